package node

import (
	"context"

	"github.com/dlclark/regexp2/v2"

	"flowgate/internal/workflow"
)

type renameKeysParams struct {
	Keys       renameList    `json:"keys" doc:"The fields to rename."`
	Additional renameOptions `json:"additionalOptions"`
}

type renameList struct {
	Key []renameKey `json:"key" doc:"The fields."`
}

type renameKey struct {
	CurrentKey string `json:"currentKey" doc:"Name or path of the field." required:"true"`
	NewKey     string `json:"newKey" doc:"Its new name or path." required:"true"`
}

type renameOptions struct {
	Regex struct {
		Replacements []renamePattern `json:"replacements" doc:"Replacements in names."`
	} `json:"regexReplacement" doc:"Rename by regular expressions."`
}

type renamePattern struct {
	SearchRegex  string `json:"searchRegex" doc:"What to look for in names."`
	ReplaceRegex string `json:"replaceRegex" doc:"What to put there; $1 is the first group."`
	Options      struct {
		CaseInsensitive bool `json:"caseInsensitive"`
		Depth           int  `json:"depth" doc:"How deep to go into objects; -1 is all the way." default:"-1"`
	} `json:"options"`
}

// renameKeys gives fields other names.
func renameKeys() *Type {
	const name = "n8n-nodes-base.renameKeys"
	return &Type{
		Name: name, DisplayName: "Rename Keys", Category: workflow.CategoryAction,
		Description: "Gives fields of each item other names, one by one or by regular expressions.",
		Versions:    []float64{1}, Params: renameKeysParams{},
		Examples: []workflow.NodeExample{example("Rename", name, 1, `{"keys":{"key":[{"currentKey":"mail","newKey":"email"}]}}`)},
		Run:      runRenameKeys,
	}
}

func runRenameKeys(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[renameKeysParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		out := in.JSON.Copy()
		for _, k := range p.Keys.Key {
			if k.CurrentKey == "" || k.NewKey == "" || k.CurrentKey == k.NewKey {
				continue
			}
			if v, ok := lookup(out, k.CurrentKey, true); ok {
				remove(out, k.CurrentKey, true)
				assign(out, k.NewKey, v, true)
			}
		}
		for _, r := range p.Additional.Regex.Replacements {
			if out, err = r.apply(out); err != nil {
				return nil, err
			}
		}
		return []workflow.Item{{JSON: out, Binary: in.Binary, Paired: workflow.PairedTo(i)}}, nil
	})
	return Items(items), err
}

func (r *renamePattern) apply(o *workflow.Object) (*workflow.Object, error) {
	text := r.SearchRegex
	if r.Options.CaseInsensitive && !delimited.MatchString(text) {
		text = "/" + text + "/i"
	}
	re, _, err := compilePattern(text)
	if err != nil {
		return nil, err
	}
	out, err := r.rename(o, re, r.Options.Depth)
	if err != nil {
		return nil, err
	}
	renamed, _ := out.(*workflow.Object)
	return renamed, nil
}

func (r *renamePattern) rename(v any, re *regexp2.Regexp, depth int) (any, error) {
	switch v := v.(type) {
	case *workflow.Object:
		out := &workflow.Object{}
		for i := range v.Len() {
			k, e := v.At(i)
			name, err := re.Replace(k, r.ReplaceRegex, -1, -1)
			if err != nil {
				return nil, Fail("The regular expression %q took too long on a name.", clip(r.SearchRegex, 80))
			}
			if depth != 0 {
				if e, err = r.rename(e, re, depth-1); err != nil {
					return nil, err
				}
			}
			out.Set(name, e)
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = r.rename(e, re, depth); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}
