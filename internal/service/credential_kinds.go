package service

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// CredentialField is one value of a credential.
type CredentialField struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	Type        string   `json:"type" enum:"text,number,boolean,url,json,pem"`
	Required    bool     `json:"required,omitempty"`
	Secret      bool     `json:"secret,omitempty" jsonschema:"not to be shown while it is typed"`
	Address     bool     `json:"address,omitempty" jsonschema:"says where the secrets are sent: when it changes, they have to be given again"`
	Options     []string `json:"options,omitempty" jsonschema:"permitted values"`
	Default     string   `json:"default,omitempty"`
	Description string   `json:"description,omitempty"`
}

// CredentialKind is a type of credential: what it holds and what for.
type CredentialKind struct {
	Type        string            `json:"type" jsonschema:"as nodes name it in their credentials"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Fields      []CredentialField `json:"fields"`
	Schema      json.RawMessage   `json:"schema,omitempty" jsonschema:"JSON schema of values"`

	// other is set for services' own types, which have fields of any name.
	other bool
	// complete says what is missing beyond required fields, "" for nothing.
	complete func(values map[string]string) string
}

// credentialKind is the kind of that type: one of the list, or for a type of
// some service's own the common one. Nil when type is no name of a type.
func credentialKind(name string) *CredentialKind {
	name = canonicalKind(name)
	kinds := credentialKinds()
	if i := slices.IndexFunc(kinds, func(k CredentialKind) bool { return k.Type == name && !k.other }); i >= 0 {
		return &kinds[i]
	}
	if !kindName.MatchString(name) {
		return nil
	}
	k := kinds[len(kinds)-1]
	k.Type = name
	return &k
}

// canonicalKind maps other names of a type to the one it is kept under.
func canonicalKind(name string) string {
	if name == "httpBearer" {
		return "httpBearerAuth"
	}
	return name
}

var (
	kindName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,63}$`)
	fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// maxValue bounds one value of a credential, in bytes.
const maxValue = 64 << 10

// read turns given values into those to store, laid over stored ones: an empty
// value or null takes one away. Messages name fields and never repeat a value.
func (k *CredentialKind) read(given map[string]any, stored map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for name, v := range stored {
		values[name] = v
	}
	var faults []workflow.FieldError
	fault := func(name, message, hint string) {
		faults = append(faults, workflow.FieldError{Field: "values." + name, Message: message, Hint: hint})
	}
	for name, v := range given {
		f := k.field(name)
		if f == nil {
			fault(name, "is not a field of "+k.Type, "known are "+strings.Join(k.names(), ", "))
			continue
		}
		text, problem := f.read(v)
		switch {
		case problem != "":
			fault(name, problem, "")
		case text == "":
			delete(values, name)
		default:
			values[name] = text
		}
	}
	for _, f := range k.Fields {
		switch {
		case values[f.Name] != "":
		case f.Required:
			fault(f.Name, "is missing", f.Description)
		case f.Default != "":
			values[f.Name] = f.Default
		}
	}
	if len(faults) == 0 && k.complete != nil {
		if problem := k.complete(values); problem != "" {
			faults = append(faults, workflow.FieldError{Field: "values", Message: problem})
		}
	}
	faults = append(faults, k.moved(given, values, stored)...)
	if len(faults) > 0 {
		return nil, fieldFaults(faults)
	}
	return values, nil
}

// moved finds stored secrets that would be sent to a new address without
// having been given again: who may change a credential may not read it so.
func (k *CredentialKind) moved(given map[string]any, values, stored map[string]string) []workflow.FieldError {
	var faults []workflow.FieldError
	for _, address := range k.Fields {
		if !address.Address || stored == nil || values[address.Name] == stored[address.Name] {
			continue
		}
		for _, f := range k.Fields {
			if _, again := given[f.Name]; f.Secret && stored[f.Name] != "" && !again && !f.Address {
				faults = append(faults, workflow.FieldError{Field: "values." + f.Name,
					Message: "has to be given again, since " + address.Name + " changes where it is sent"})
			}
		}
		break
	}
	return faults
}

func fieldFaults(faults []workflow.FieldError) error {
	slices.SortFunc(faults, func(a, b workflow.FieldError) int { return strings.Compare(a.Field, b.Field) })
	err := &workflow.Error{Code: workflow.CodeInvalid, Fields: faults}
	texts := make([]string, len(faults))
	for i, f := range faults {
		texts[i] = f.Field + " " + f.Message + ifText(f.Hint != "", " ("+f.Hint+")")
	}
	err.Message = strings.Join(texts, "; ")
	return err
}

func (k *CredentialKind) field(name string) *CredentialField {
	for i := range k.Fields {
		if k.Fields[i].Name == name {
			return &k.Fields[i]
		}
	}
	if k.other && fieldName.MatchString(name) {
		return &CredentialField{Name: name, Type: "text", Secret: true}
	}
	return nil
}

func (k *CredentialKind) names() []string {
	out := make([]string, len(k.Fields))
	for i, f := range k.Fields {
		out[i] = f.Name
	}
	return out
}

// read is a value as text, or what is wrong with it.
func (f *CredentialField) read(v any) (text, problem string) {
	switch v := v.(type) {
	case nil:
		return "", ""
	case string:
		text = v
	case bool:
		text = strconv.FormatBool(v)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		data, err := json.Marshal(v)
		if err != nil || f.Type != "json" {
			return "", "must be text, a number, true or false"
		}
		text = string(data)
	}
	if text == "" {
		return "", ""
	}
	if len(text) > maxValue {
		return "", "is longer than 64 KiB"
	}
	return text, f.fault(text)
}

func (f *CredentialField) fault(text string) string {
	switch f.Type {
	case "number":
		if n, err := strconv.Atoi(text); err != nil || n < 0 {
			return "must be a whole number"
		}
	case "boolean":
		if text != "true" && text != "false" {
			return "must be true or false"
		}
	case "url":
		if !isAddress(text) {
			return "must be an address such as https://example.org/path"
		}
	case "json":
		var o map[string]any
		if json.Unmarshal([]byte(text), &o) != nil {
			return "must be a JSON object"
		}
	case "pem":
		if !strings.Contains(text, "-----BEGIN ") {
			return "must be a key in PEM form, from -----BEGIN to -----END"
		}
	default:
		if strings.ContainsAny(text, "\r\n\x00") && f.Name != "publicKey" {
			return "must be one line"
		}
	}
	if len(f.Options) > 0 && !slices.Contains(f.Options, text) {
		return "must be one of " + strings.Join(f.Options, ", ")
	}
	return ""
}

// schema is the JSON schema of a kind's values.
func (k *CredentialKind) schema() json.RawMessage {
	properties, required := workflow.NewObject(), []any{}
	for _, f := range k.Fields {
		p := workflow.NewObject("type", map[string]string{"number": "integer", "boolean": "boolean"}[f.Type], "title", f.Title)
		if p.Value("type") == "" {
			p.Set("type", "string")
		}
		if f.Description != "" {
			p.Set("description", f.Description)
		}
		switch {
		case f.Type == "url":
			p.Set("format", "uri")
		case f.Secret:
			p.Set("format", "password")
		}
		if f.Secret {
			p.Set("writeOnly", true)
		}
		if len(f.Options) > 0 {
			options := make([]any, len(f.Options))
			for i, o := range f.Options {
				options[i] = o
			}
			p.Set("enum", options)
		}
		if f.Default != "" {
			var v any = f.Default
			switch f.Type {
			case "boolean":
				v = f.Default == "true"
			case "number":
				n, _ := strconv.ParseFloat(f.Default, 64)
				v = n
			}
			p.Set("default", v)
		}
		properties.Set(f.Name, p)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	o := workflow.NewObject("type", "object", "properties", properties, "required", required, "additionalProperties", k.other)
	data, err := o.MarshalJSON()
	if err != nil { // texts and lists always encode
		return json.RawMessage(`{"type":"object"}`)
	}
	return data
}
