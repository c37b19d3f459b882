package kustomize

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// fieldsOf returns the fields of an object in the types that they have after a passage
// through JSON, which is how kustomize passes them on: text, int64, float64, bool. That
// passage takes a sixth of a build.
func fieldsOf(n *yaml.Node) (fields map[string]any, err error) {
	defer func() {
		if recover() != nil { // the library may
			err = errors.New("it cannot be read")
		}
	}()
	if err := n.Decode(&fields); err != nil {
		return nil, err
	}
	if _, err = asJSON(fields); err != nil {
		return nil, err
	}
	return fields, nil
}

// asJSON returns a value as it is after a passage through JSON. It changes mappings and
// lists in place.
func asJSON(value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			changed, err := asJSON(inner)
			if err != nil {
				return nil, err
			}
			v[key] = changed
		}
	case []any:
		for i, inner := range v {
			changed, err := asJSON(inner)
			if err != nil {
				return nil, err
			}
			v[i] = changed
		}
	case nil, string, bool, int64:
	case int:
		return int64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		return number(v)
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	default:
		return nil, fmt.Errorf("a value of the type %T has no form in JSON", v)
	}
	return value, nil
}

// number returns a float as JSON has it: without a fraction, it is an integer.
func number(f float64) (any, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return i, nil
	}
	return f, nil
}
