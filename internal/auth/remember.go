package auth

import "time"

// RememberFor has keys, people, grants, the provider's word on tokens and its
// published keys read anew after d, where that is sooner than they are anyway. 0: nothing
// is remembered. It is called before anything else; nil ones are passed over.
func RememberFor(d time.Duration, keys *APIKeys, people *Accounts, grants *Grants, provider *Supabase) {
	if keys != nil {
		keys.life = min(keys.life, d)
	}
	if people != nil {
		people.life = min(people.life, d)
	}
	if grants != nil {
		grants.life = min(grants.life, d)
	}
	if provider != nil {
		provider.life, provider.keys.life = min(provider.life, d), min(provider.keys.life, d)
	}
}
