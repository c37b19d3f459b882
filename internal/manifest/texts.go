package manifest

import "encoding/json"

// TextsIn are the texts in a JSON value.
func TextsIn(text []byte) []string {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return nil
	}
	var found []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case string:
			if v != "" {
				found = append(found, v)
			}
		}
	}
	walk(value)
	return found
}
