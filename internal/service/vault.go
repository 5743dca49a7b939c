package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"flowgate/internal/seal"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Vault keeps credentials sealed in a store and opens them for who may have
// their values: nodes and webhooks of their owner. Safe for concurrent use.
type Vault struct {
	Store store.Credentials
	Box   *seal.Box
	// Look, when set, has Box take over other keys, which may have come while
	// this runs: at once with now, else when it is time to look.
	Look func(now bool)
}

func (v *Vault) look(now bool) {
	if v.Look != nil {
		v.Look(now)
	}
}

// Fields returns the values of the owner's credential that ref names, by its
// id or else by its name. When there is none the error, CodeNotFound, names
// kind, name and remedy.
func (v *Vault) Fields(ctx context.Context, owner, kind string, ref workflow.CredentialRef) (map[string]string, error) {
	c, err := v.find(ctx, owner, canonicalKind(kind), ref)
	if err != nil {
		return nil, err
	}
	return v.open(c)
}

func (v *Vault) find(ctx context.Context, owner, kind string, ref workflow.CredentialRef) (*store.Credential, error) {
	missing := func() error { return missingCredential(kind, ref) }
	if ref.ID != "" {
		c, err := v.Store.Credential(ctx, owner, ref.ID)
		if err == nil && c.Type == kind {
			return c, nil
		}
		if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
			return nil, err
		}
	}
	if ref.Name == "" {
		return nil, missing()
	}
	c, err := v.Store.CredentialByName(ctx, owner, kind, ref.Name)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, missing()
	}
	return c, err
}

func missingCredential(kind string, ref workflow.CredentialRef) error {
	what := fmt.Sprintf("There is no credential %q of the type %s.", ref.Name, kind)
	if ref.Name == "" {
		what = fmt.Sprintf("There is no credential of the type %s with the id %q.", kind, ref.ID)
	}
	if ref.Name == "" && ref.ID == "" {
		what = fmt.Sprintf("No credential of the type %s is chosen.", kind)
	}
	remedy := " Store one under that name, or choose another in the node."
	if ref.Name == "" {
		remedy = " Store one, and name it in the node's credentials."
	}
	return workflow.Errorf(workflow.CodeNotFound, "%s", what+remedy).WithReason("missing_credential")
}

func (v *Vault) seal(owner, id string, values map[string]string) ([]byte, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	v.look(false)
	return v.Box.Seal(data, owner, id), nil
}

func (v *Vault) open(c *store.Credential) (map[string]string, error) {
	data, err := v.Box.Open(c.Sealed, c.OwnerID, c.ID)
	if errors.Is(err, seal.ErrUnknownKey) && v.Look != nil { // it may have come just now
		v.look(true)
		data, err = v.Box.Open(c.Sealed, c.OwnerID, c.ID)
	}
	if err != nil {
		return nil, unopened(c, err)
	}
	values := map[string]string{}
	if json.Unmarshal(data, &values) != nil {
		return nil, unopened(c, seal.ErrDamaged)
	}
	return values, nil
}

func unopened(c *store.Credential, err error) error {
	message := fmt.Sprintf("The credential %q cannot be opened: its stored values are damaged. Enter them again.", c.Name)
	if errors.Is(err, seal.ErrUnknownKey) {
		message = fmt.Sprintf("The credential %q cannot be opened: it was sealed under another ENCRYPTION_KEY. Configure that key, too, or enter the values again.", c.Name)
	}
	return workflow.Wrap(workflow.CodeUnavailable, err, message).WithReason("sealed_credential")
}

// Rotation is what sealing everything anew came to.
type Rotation struct {
	Total    int `json:"total"`      // credentials there are
	Renewed  int `json:"renewed"`    // sealed anew
	Unopened int `json:"not_opened"` // under a key that is not there, or damaged; left as they are
}

// Rotate seals everything that is sealed under an older key anew under the
// newest one. What cannot be opened is left as it is and counted; so is what
// changed meanwhile, which is sealed anew already. It may be ended and repeated,
// and run in several processes at once. progress, if not nil, is told how many
// credentials were looked at, in all.
func (v *Vault) Rotate(ctx context.Context, progress func(done int)) (r Rotation, err error) {
	const batch = 100
	after := ""
	for {
		list, err := v.Store.AllCredentials(ctx, after, batch)
		if err != nil {
			return r, err
		}
		for _, c := range list {
			after = c.ID
			if err := v.renew(ctx, c, &r); err != nil {
				return r, err
			}
			if progress != nil {
				progress(r.Total)
			}
		}
		if len(list) < batch {
			return r, nil
		}
	}
}

func (v *Vault) renew(ctx context.Context, c *store.Credential, r *Rotation) (err error) {
	r.Total++
	if v.Box.Newest(c.Sealed) {
		return nil
	}
	before := c.Sealed
	if c.Sealed, err = v.Box.Reseal(before, c.OwnerID, c.ID); err != nil {
		r.Unopened++
		return nil
	}
	switch err := v.Store.UpdateCredential(ctx, c, before); workflow.CodeOf(err) {
	case "":
		r.Renewed++
	case workflow.CodeConflict, workflow.CodeNotFound:
	default:
		return err
	}
	return nil
}

// Count is how many credentials there are.
func (v *Vault) Count(ctx context.Context) (n int, err error) {
	const batch = 1000
	after := ""
	for {
		list, err := v.Store.AllCredentials(ctx, after, batch)
		if err != nil {
			return n, err
		}
		if n += len(list); len(list) < batch {
			return n, nil
		}
		after = list[len(list)-1].ID
	}
}
