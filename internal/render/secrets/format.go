package secrets

import (
	"bytes"
	"encoding/json"
	"path"
)

// formatOf returns the format in which SOPS has encrypted a file, by the metadata in
// it; "" if the file is not encrypted. The name decides only where the text does not.
func formatOf(name string, data []byte) string {
	if !bytes.Contains(data, []byte("sops")) || !bytes.Contains(data, []byte("ENC[AES256_GCM,")) {
		return "" // nearly every file
	}
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		return jsonFormat(name, text)
	}
	within := false // the mapping sops of a YAML file
	section := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, " \t\r\n")
		switch {
		case bytes.HasPrefix(line, []byte("sops_mac=")):
			return "dotenv"
		case bytes.Equal(line, []byte("[sops]")):
			section = true
		case section && bytes.HasPrefix(line, []byte("mac")):
			return "ini"
		case bytes.Equal(line, []byte("sops:")), bytes.Equal(line, []byte(`"sops":`)):
			within = true
		case within && bytes.HasPrefix(bytes.TrimLeft(line, ` "`), []byte("mac")) && (line[0] == ' ' || line[0] == '\t'):
			return "yaml"
		case within && len(line) > 0 && line[0] != ' ' && line[0] != '#':
			within = false
		}
	}
	return ""
}

// jsonFormat distinguishes a JSON document from a file of any kind inside one, and from
// YAML written as JSON.
func jsonFormat(name string, text []byte) string {
	var document map[string]json.RawMessage
	if json.Unmarshal(text, &document) != nil {
		return ""
	}
	var metadata struct {
		MAC string `json:"mac"`
	}
	if json.Unmarshal(document["sops"], &metadata) != nil || metadata.MAC == "" {
		return ""
	}
	_, wrapped := document["data"]
	switch path.Ext(name) {
	case ".json":
		return "json"
	case ".yaml", ".yml":
		return "yaml"
	}
	if wrapped && len(document) == 2 {
		return "binary"
	}
	return "json"
}
