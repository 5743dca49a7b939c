package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// formFields are the fields of a form as documents write them.
type formFields struct {
	Values []formField `json:"values" doc:"The fields, from top to bottom."`
}

type formField struct {
	Label       string      `json:"fieldLabel" doc:"Text before the field, and the name its value gets." example:"Your name"`
	Name        string      `json:"fieldName" doc:"Name its value gets, where it is not to be the label."`
	Type        string      `json:"fieldType" doc:"Kind of field." default:"text" enum:"text,textarea,number,email,password,date,dropdown,checkbox,radio,hiddenField,html,file"`
	Required    bool        `json:"requiredField" doc:"It must be filled in."`
	Placeholder string      `json:"placeholder" doc:"Shown while the field is empty."`
	Default     string      `json:"defaultValue" doc:"What the field holds at first."`
	Options     formOptions `json:"fieldOptions" doc:"Choices of a dropdown, checkbox or radio field." show:"fieldType=dropdown|checkbox|radio"`
	Multiple    bool        `json:"multiselect" doc:"Several choices of a dropdown may be taken." show:"fieldType=dropdown"`
	Limit       string      `json:"limitSelection" doc:"How many choices of a checkbox field may be taken." default:"unlimited" enum:"unlimited,exact,range" show:"fieldType=checkbox"`
	Exactly     int         `json:"numberOfSelections" doc:"That many must be taken." show:"fieldType=checkbox&limitSelection=exact"`
	Least       int         `json:"minSelections" doc:"At least that many." show:"fieldType=checkbox&limitSelection=range"`
	Most        int         `json:"maxSelections" doc:"At most that many." show:"fieldType=checkbox&limitSelection=range"`
	Files       bool        `json:"multipleFiles" doc:"Several files may be sent." default:"true" show:"fieldType=file"`
	Accept      string      `json:"acceptFileTypes" doc:"Endings of the files to take, with commas; empty for all." show:"fieldType=file" example:".pdf, .png"`
	HTML        string      `json:"html" doc:"Text to show between the fields. Headings, lists, links and emphasis are kept; the rest is left out." show:"fieldType=html" hint:"html"`
	Value       string      `json:"fieldValue" doc:"Value of a hidden field." show:"fieldType=hiddenField"`
	ElementName string      `json:"elementName" doc:"Name under which the HTML is put out, too." show:"fieldType=html"`
	FormatDate  string      `json:"formatDate" show:"fieldType=date"`
}

type formOptions struct {
	Values []formOption `json:"values" doc:"The choices."`
}

type formOption struct {
	Option string `json:"option" doc:"A choice."`
}

// shown are the fields as those see them who fill the form in: objects with
// name, label, type, required, placeholder, default, options, multiple, least,
// most, accept and html.
func (f *formFields) shown() []any {
	out := []any{}
	for i := range f.Values {
		out = append(out, f.Values[i].shown(i))
	}
	return out
}

func (f *formField) shown(i int) *workflow.Object {
	if f.Type == fieldHTML {
		return workflow.NewObject("name", firstOf(f.Name, f.ElementName), "type", fieldHTML, "html", plainMarkup(f.HTML))
	}
	name := firstOf(f.Name, f.Label, fmt.Sprintf("field-%d", i))
	o := workflow.NewObject("name", name, "label", firstOf(f.Label, f.Name), "type", firstOf(f.Type, "text"), "required", f.Required)
	for _, p := range [][2]string{{"placeholder", f.Placeholder}, {"default", firstOf(f.Default, f.Value)}} {
		if p[1] != "" {
			o.Set(p[0], p[1])
		}
	}
	if f.Type == fieldFile {
		o.Set("multiple", f.Files)
		if f.Accept != "" {
			o.Set("accept", f.Accept)
		}
	}
	if len(f.Options.Values) > 0 {
		options := make([]any, len(f.Options.Values))
		for n, option := range f.Options.Values {
			options[n] = option.Option
		}
		o.Set("options", options)
		o.Set("multiple", f.Multiple || f.Type == "checkbox")
		f.limit(o)
	}
	return o
}

// limit tells how many choices may be taken.
func (f *formField) limit(o *workflow.Object) {
	least, most := f.Least, f.Most
	switch f.Limit {
	case "exact":
		least, most = f.Exactly, f.Exactly
	case "range":
	default:
		return
	}
	if least > 0 {
		o.Set("least", float64(least))
	}
	if most > 0 {
		o.Set("most", float64(most))
	}
}

// checkForm reads the answer to a form: the values of its fields, each as its
// kind wants. Other fields are not taken.
func checkForm(fields []any, response *workflow.Object) (*workflow.Object, error) {
	out := &workflow.Object{}
	var faults []workflow.FieldError
	for _, f := range fields {
		field, _ := f.(*workflow.Object)
		name := textOf(field.Value("name"))
		if name == "" {
			continue // text between the fields
		}
		value, fault := answerValue(field, response.Value(name))
		if fault != "" {
			faults = append(faults, workflow.FieldError{Field: name, Message: fault})
			continue
		}
		out.Set(name, value)
	}
	if faults == nil {
		return out, nil
	}
	texts := make([]string, len(faults))
	for i, f := range faults {
		texts[i] = fmt.Sprintf("%s: %s", f.Field, f.Message)
	}
	err := workflow.Errorf(workflow.CodeInvalid, "the form is not filled in properly: %s", strings.Join(texts, "; "))
	err.Fields = faults
	return nil, err
}

func answerValue(field *workflow.Object, v any) (value any, fault string) {
	if field.Value("type") == fieldHTML {
		return field.Value("html"), ""
	}
	required := field.Value("required") == true
	if list, ok := v.([]any); v == nil || v == "" || ok && len(list) == 0 {
		if required {
			return nil, "must be filled in"
		}
		if field.Value("multiple") == true {
			return []any{}, ""
		}
		return v, ""
	}
	options, _ := field.Value("options").([]any)
	if len(options) > 0 {
		return chosen(field, options, v)
	}
	switch field.Value("type") {
	case fieldFile:
		return sentFiles(field, v)
	case "number":
		n, ok := numberOf(v)
		if !ok {
			return nil, "must be a number"
		}
		return n, ""
	case "email":
		if text := textOf(v); !strings.Contains(strings.Trim(text, "@"), "@") {
			return nil, "must be an email address"
		}
	case "date":
		if _, ok := parseDate(v, time.UTC); !ok {
			return nil, "must be a date such as 2026-01-31"
		}
	}
	return textOf(v), ""
}

func chosen(field *workflow.Object, options []any, v any) (value any, fault string) {
	list := asList(v)
	for _, one := range list {
		if !slices.ContainsFunc(options, func(o any) bool { return textOf(o) == textOf(one) }) {
			return nil, fmt.Sprintf("%q is none of the choices", clip(textOf(one), 60))
		}
	}
	if field.Value("multiple") == true {
		return list, unlikeCount(field, len(list))
	}
	if len(list) != 1 {
		return nil, "takes one choice only"
	}
	return list[0], ""
}

// unlikeCount is the fault of so many choices.
func unlikeCount(field *workflow.Object, n int) string {
	least, _ := numberOf(field.Value("least"))
	most, limited := field.Value("most").(float64)
	switch {
	case limited && least == most && n != int(most):
		return fmt.Sprintf("takes exactly %d choices", int(most))
	case n < int(least):
		return fmt.Sprintf("takes at least %d choices", int(least))
	case limited && n > int(most):
		return fmt.Sprintf("takes at most %d choices", int(most))
	}
	return ""
}
