package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// arguments makes a capability's arguments from a request: what the address
// fixes wins over the path, that over headers and the query, that over the
// body.
func arguments(c echo.Context, capability *service.Capability, route service.Route, ignored []string) (json.RawMessage, error) {
	args, err := readObject(c)
	if err != nil {
		return nil, err
	}
	for _, name := range ignored {
		delete(args, name)
	}
	if err := addQuery(args, c.QueryParams(), capability); err != nil {
		return nil, err
	}
	if err := addHeaders(args, c.Request(), capability); err != nil {
		return nil, err
	}
	for i, name := range c.ParamNames() {
		value := c.ParamValues()[i]
		if c.Request().URL.RawPath != "" { // the router matched the escaped path
			if value, err = url.PathUnescape(value); err != nil {
				return nil, workflow.Errorf(workflow.CodeInvalid, "%s: the path is not escaped properly", name)
			}
		}
		args[name] = textAs(capability.Input.Property(name), value)
	}
	for name, value := range route.Fixed {
		if args[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(args)
}

// addQuery reads the query as the arguments' types want. A list is repeated
// or separated by commas.
func addQuery(args map[string]json.RawMessage, query url.Values, capability *service.Capability) error {
	if waits(capability) {
		if v, ok := query["wait"]; ok {
			delete(query, "wait")
			query["wait_seconds"] = v
		}
	}
	for name, values := range query {
		if capability.Input.Property(name) == "array" {
			list := []string{}
			for _, v := range values {
				for _, part := range strings.Split(v, ",") {
					if part = strings.TrimSpace(part); part != "" {
						list = append(list, part)
					}
				}
			}
			data, err := json.Marshal(list)
			if err != nil {
				return err
			}
			args[name] = data
			continue
		}
		if len(values) != 1 {
			return fault(name, "is given %d times; give it once", len(values))
		}
		args[name] = textAs(capability.Input.Property(name), values[0])
	}
	return nil
}

// addHeaders reads the headers that HTTP has for arguments. A REST caller
// that says nothing of waiting does not wait.
func addHeaders(args map[string]json.RawMessage, r *http.Request, capability *service.Capability) error {
	if key := r.Header.Get("Idempotency-Key"); key != "" && capability.Input.Property("idempotency_key") != "" {
		args["idempotency_key"] = quote(key)
	}
	if match := r.Header.Get("If-Match"); match != "" && match != "*" && r.Method == http.MethodPut && capability.Input.Property("version") != "" {
		tag := strings.Trim(strings.TrimPrefix(strings.TrimSpace(match), "W/"), `"`)
		if n, err := strconv.Atoi(tag); err != nil || n < 1 {
			return fault("If-Match", "must be the ETag of the version you read, such as \"3\"")
		}
		args["version"] = json.RawMessage(tag)
	}
	if _, given := args["wait_seconds"]; !given && waits(capability) {
		args["wait_seconds"] = json.RawMessage("0")
	}
	return nil
}

func waits(capability *service.Capability) bool {
	return capability.Input.Property("wait_seconds") != ""
}

// textAs reads text as a JSON value of the wanted type. What cannot be read
// so stays text, for the schema to refuse with the argument's name.
func textAs(kind, text string) json.RawMessage {
	var ok bool
	switch kind {
	case "integer":
		_, err := strconv.ParseInt(text, 10, 64)
		ok = err == nil
	case "number":
		_, err := strconv.ParseFloat(text, 64)
		ok = err == nil && json.Valid([]byte(text))
	case "boolean":
		ok = slices.Contains([]string{"true", "false"}, text)
	case "object", "any":
		ok = json.Valid([]byte(text))
	}
	if ok && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return quote(text)
}

func quote(text string) json.RawMessage {
	data, err := json.Marshal(text)
	if err != nil { // strings always encode
		return json.RawMessage(`""`)
	}
	return data
}

func fault(field, format string, args ...any) error {
	err := workflow.Errorf(workflow.CodeInvalid, field+": "+format, args...)
	err.Fields = []workflow.FieldError{{Field: field, Message: strings.TrimPrefix(err.Message, field+": ")}}
	return err
}
