package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flowgate/internal/auth"
	"flowgate/store"
	"flowgate/store/redis"
)

// openRedis prepares what servers share for a short time. It need not answer
// yet: health tells whether it does.
func (c *Core) openRedis() (err error) {
	if c.Config.RedisURL == "" {
		return nil
	}
	c.Redis, err = redis.Open(redis.Options{URL: c.Config.RedisURL, NonceLife: auth.NonceLife, Failed: c.Metrics.RedisError})
	if err != nil {
		return fmt.Errorf("redis_url: %w", err)
	}
	c.Watches("redis", c.Redis.Ping)
	return nil
}

// passing is how this process tells others what happens; nil without Redis.
// Commands that tell nothing do not begin it.
func (c *Core) passing() store.Fanout {
	if c.Redis == nil { // a nil pointer in an interface is not nil
		return nil
	}
	c.passes.Do(func() { c.fanout = c.Redis.NewFanout() })
	return c.fanout
}

// chatLog holds conversations' newest events; nil without Redis.
func (c *Core) chatLog() store.ChatLog {
	if c.Redis == nil {
		return nil
	}
	return c.Redis
}

func (c *Core) closeRedis() error {
	if c.Redis == nil {
		return nil
	}
	var err error
	if c.fanout != nil {
		err = c.fanout.Close()
	}
	return errors.Join(err, c.Redis.Close())
}

// tellTime bounds how long who revokes something waits for Redis.
const tellTime = time.Second

// teller tells the other servers of what was revoked; nil without Redis. What
// cannot be told they find out themselves, within two seconds, too.
func (c *Core) teller() auth.Teller {
	if c.Redis == nil {
		return nil
	}
	return func(ctx context.Context, what string) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
		defer cancel()
		if err := c.Redis.Tell(ctx, what); err != nil {
			c.Log.WarnContext(ctx, "the other servers were not told of what was revoked; they see it when they read it next, within two seconds", "error", err)
		}
	}
}

// hear has what authenticates callers take news of the other servers until ctx ends.
func (a *App) hear(ctx context.Context) {
	if a.Redis != nil {
		a.work.Go(func() { a.Redis.Hear(ctx, a.Authenticator(nil).Hear) })
	}
}
