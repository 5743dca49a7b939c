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
	HTML        string      `json:"html" show:"fieldType=html"`
	Value       string      `json:"fieldValue" doc:"Value of a hidden field." show:"fieldType=hiddenField"`
	ElementName string      `json:"elementName" show:"fieldType=html"`
}

type formOptions struct {
	Values []formOption `json:"values" doc:"The choices."`
}

type formOption struct {
	Option string `json:"option" doc:"A choice."`
}

// shown are the fields as those see them who fill the form in: objects with
// name, label, type, required, placeholder, default, options and multiple.
// Parts that are no fields, and files, which cannot be sent yet, are left out.
func (f *formFields) shown() []any {
	out := []any{}
	for i, v := range f.Values {
		if v.Type == "html" || v.Type == "file" {
			continue
		}
		name := firstOf(v.Name, v.Label, fmt.Sprintf("field-%d", i))
		o := workflow.NewObject("name", name, "label", firstOf(v.Label, v.Name), "type", firstOf(v.Type, "text"), "required", v.Required)
		for _, p := range [][2]string{{"placeholder", v.Placeholder}, {"default", firstOf(v.Default, v.Value)}} {
			if p[1] != "" {
				o.Set(p[0], p[1])
			}
		}
		if len(v.Options.Values) > 0 {
			options := make([]any, len(v.Options.Values))
			for n, option := range v.Options.Values {
				options[n] = option.Option
			}
			o.Set("options", options)
			o.Set("multiple", v.Multiple || v.Type == "checkbox")
		}
		out = append(out, o)
	}
	return out
}

// checkForm reads the answer to a form: the values of its fields, each as its
// kind wants. Other fields are not taken.
func checkForm(fields []any, response *workflow.Object) (*workflow.Object, error) {
	out := &workflow.Object{}
	var faults []workflow.FieldError
	for _, f := range fields {
		field, _ := f.(*workflow.Object)
		name := textOf(field.Value("name"))
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
		return list, ""
	}
	if len(list) != 1 {
		return nil, "takes one choice only"
	}
	return list[0], ""
}
