package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/command"
)

// This file makes the document of the API (OpenAPI 3.1) of the table of routes and the schemas
// of the verbs, so that it says what there is.

// object is one of JSON.
type object = map[string]any

// document is the document, for the server's address.
func (d *Door) document() ([]byte, error) {
	text, err := d.written()
	if err != nil {
		return nil, err
	}
	address, err := json.Marshal(d.Base)
	return bytes.Replace(text, []byte(`"https://HOST"`), address, 1), err
}

func makeDocument() ([]byte, error) {
	schemas, err := verbSchemas()
	if err != nil {
		return nil, err
	}
	paths := object{}
	for _, row := range apiRoutes() {
		path := strings.ReplaceAll(row.path, "...}", "}")
		item, _ := paths[path].(object)
		if item == nil {
			item = object{}
			paths[path] = item
		}
		if params := pathParams(path); len(params) > 0 {
			item["parameters"] = params
		}
		item[strings.ToLower(row.method)] = operationObject(row, schemas)
	}
	document := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Pushboat", "version": "1", "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "What the verbs print (ssh HOST help), for programs. Keys are only ever added to answers.",
		},
		"servers":    []any{object{"url": "https://HOST"}},
		"security":   []any{object{"token": []any{}}},
		"tags":       tags(),
		"paths":      paths,
		"components": components(schemas),
	}
	return json.MarshalIndent(document, "", " ")
}

func tags() (list []any) {
	for _, tag := range []string{"apps", "actions", "events", "repositories", "server"} {
		list = append(list, object{"name": tag})
	}
	return list
}

// verbSchema is the schema of a verb, which refers to definitions in components.
type verbSchema struct {
	choices     []object // one, or those of which what the verb prints is one
	definitions object
}

// verbSchemas are those of the verbs of the API, whose definitions have names of their own:
// two verbs share one where it says the same.
func verbSchemas() (map[string]verbSchema, error) {
	all, texts := map[string]verbSchema{}, map[string]map[string]bool{}
	for _, row := range apiRoutes() {
		verb := row.api.verb
		source, ok := command.Schema(verb)
		if _, known := all[verb]; known || !ok {
			continue
		}
		var schema object
		if err := json.Unmarshal(source, &schema); err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", verb, err)
		}
		definitions, _ := schema["$defs"].(object)
		for name, definition := range definitions {
			text, err := json.Marshal(definition)
			if err != nil {
				return nil, err
			}
			if texts[name] == nil {
				texts[name] = map[string]bool{}
			}
			texts[name][string(text)] = true
		}
		all[verb] = verbSchema{choicesOfSchema(schema), definitions}
	}
	own := differing(texts)
	for verb, schema := range all {
		all[verb] = schema.renamed(verb, own)
	}
	return all, nil
}

// differing are the names of definitions that are not the same everywhere, and of those that
// refer to one.
func differing(texts map[string]map[string]bool) map[string]bool {
	own := map[string]bool{}
	for more := true; more; {
		more = false
		for name, versions := range texts {
			refers := func(text string) bool {
				for other := range own {
					if strings.Contains(text, `"#/$defs/`+other+`"`) {
						return true
					}
				}
				return false
			}
			apart := len(versions) > 1
			for text := range versions {
				apart = apart || refers(text)
			}
			if apart && !own[name] {
				own[name], more = true, true
			}
		}
	}
	return own
}

func choicesOfSchema(schema object) (choices []object) {
	list, several := schema["anyOf"].([]any)
	for _, choice := range list {
		if one, ok := choice.(object); ok {
			choices = append(choices, one)
		}
	}
	if !several {
		one := object{}
		for key, value := range schema {
			if key != "$defs" && key != "$schema" && key != "title" {
				one[key] = value
			}
		}
		choices = []object{one}
	}
	return choices
}

// renamed is the schema with its definitions in components, under a name with the verb's where
// another has one of the same name.
func (s verbSchema) renamed(verb string, own map[string]bool) verbSchema {
	nameOf := func(name string) string {
		if own[name] {
			return strings.ReplaceAll(verb, " ", "-") + "." + name
		}
		return name
	}
	made := verbSchema{definitions: object{}}
	for name, definition := range s.definitions {
		made.definitions[nameOf(name)] = referring(definition, nameOf)
	}
	for _, choice := range s.choices {
		one, _ := referring(choice, nameOf).(object) // it stays one
		made.choices = append(made.choices, one)
	}
	return made
}

// referring is a part of a schema with other references.
func referring(part any, nameOf func(string) string) any {
	switch part := part.(type) {
	case object:
		made := object{}
		for key, value := range part {
			ref, ok := value.(string)
			if name, within := strings.CutPrefix(ref, "#/$defs/"); key == "$ref" && ok && within {
				made[key] = "#/components/schemas/" + nameOf(name)
				continue
			}
			made[key] = referring(value, nameOf)
		}
		return made
	case []any:
		made := make([]any, len(part))
		for i, value := range part {
			made[i] = referring(value, nameOf)
		}
		return made
	}
	return part
}

// pathParams are the parameters in a path.
func pathParams(path string) (list []any) {
	examples := map[string]string{"app": "shop", "deploy": "shop-42", "repo": "shop", "cluster": "default", "refusal": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			list = append(list, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string", "examples": []any{examples[name]}}})
		}
	}
	return list
}

// operationObject describes a row.
func operationObject(row route, schemas map[string]verbSchema) object {
	op := row.api
	made := object{"operationId": op.id, "summary": op.what, "tags": []any{op.tag}, "responses": responses(row, schemas)}
	if op.verb != "" {
		made["description"] = "As ssh HOST " + op.verb + ". Takes the right to " + string(row.need.right) + "."
	}
	if row.need.right == open {
		made["security"] = []any{}
	}
	if row.method != "POST" {
		if len(op.params) > 0 {
			made["parameters"] = queryParams(op.params)
		}
		if row.api.follows {
			made["parameters"] = append(queryParams(op.params), object{
				"name": "Last-Event-ID", "in": "header", "description": "the cursor of the last event that was read; it counts before the parameter after", "schema": object{"type": "string"},
			})
		}
		return made
	}
	made["parameters"] = queryParams([]param{waitParam})
	properties, required := object{}, []any{}
	for _, p := range op.params {
		properties[p.name] = p.schema()
		if p.must {
			required = append(required, p.name)
		}
	}
	body := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		body["required"] = required
	}
	made["requestBody"] = object{"required": len(required) > 0, "content": object{"application/json": object{"schema": body}}}
	return made
}

func queryParams(params []param) (list []any) {
	for _, p := range params {
		schema := p.schema()
		delete(schema, "description")
		list = append(list, object{"name": p.name, "in": "query", "required": p.must, "description": p.what, "schema": schema})
	}
	return list
}

func (p param) schema() object {
	schema := object{"type": string(p.kind), "description": p.what}
	switch p.kind {
	case number:
		schema["minimum"] = 0
		if p.most > 0 {
			schema["minimum"], schema["maximum"] = 1, p.most
		}
	case text:
		schema["maxLength"] = maxText
	}
	return schema
}

// responses are the answers to an operation.
func responses(row route, schemas map[string]verbSchema) object {
	made := object{"default": object{"$ref": "#/components/responses/problem"}}
	op := row.api
	good := object{"description": "what the verb prints"}
	schema := object{"type": "object"}
	if found, ok := schemas[op.verb]; ok {
		schema = found.choices[op.part]
	} else if row.method == "POST" {
		schema = object{"$ref": "#/components/schemas/outcome"}
		good["description"] = "it has ended well"
	}
	content := object{"application/json": object{"schema": schema}}
	if op.follows {
		content["text/event-stream"] = object{"schema": object{"type": "string", "description": "with follow: the id of each event is its cursor, its data one of the list"}}
	}
	good["content"] = content
	if op.pages.key != "" || op.follows {
		good["headers"] = object{"Link": object{"description": `the address of the next page, rel="next"; left out on the last one`, "schema": object{"type": "string"}}}
	}
	made["200"] = good
	if row.method == "POST" {
		made["202"] = object{
			"description": "it goes on", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/outcome"}}},
			"headers": object{"Location": object{"description": "the deploy that goes on, if there is one", "schema": object{"type": "string"}}},
		}
	}
	if row.need.right == open {
		return made
	}
	for _, status := range []int{400, 401, 403, 404, 409, 429, 503} {
		made[strconv.Itoa(status)] = object{"$ref": "#/components/responses/problem"}
	}
	return made
}

// components are what the operations share.
func components(schemas map[string]verbSchema) object {
	shared := object{}
	for _, schema := range schemas {
		maps.Copy(shared, schema.definitions)
	}
	lines := object{"type": "array", "items": object{"type": "string"}}
	shared["problem"] = object{
		"type": "object", "description": "RFC 9457", "required": []any{"title", "status", "detail"},
		"properties": object{
			"title": object{"type": "string"}, "status": object{"type": "integer"}, "detail": object{"type": "string"},
			"hint":   object{"type": "string", "description": "the next thing to try"},
			"output": object{"type": "array", "items": object{"type": "string"}, "description": "of the verb, for people"},
		},
	}
	shared["outcome"] = object{
		"type": "object", "required": []any{"app", "ended", "output"},
		"properties": object{
			"app": object{"type": "string"}, "ended": object{"type": "boolean", "description": "false: it goes on"},
			"deploy": object{"type": "string", "description": "that goes on"}, "output": lines,
		},
	}
	return object{
		"schemas": shared,
		"responses": object{"problem": object{
			"description": "what is wrong",
			"content":     object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/problem"}}},
		}},
		"securitySchemes": object{"token": object{
			"type": "http", "scheme": "bearer", "bearerFormat": token.Pattern, "description": "made by ssh HOST token create",
		}},
	}
}
