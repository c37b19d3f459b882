package secrets

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// Placeholder replaces each encrypted value where there are no keys and nobody needs
// the values. It is both text and base64, as Secrets need it.
const Placeholder = "HIDDENSECRET"

// Placeholders returns a decrypter without keys, for which every encrypted value is the
// Placeholder, so that users who must not read the values can check everything else.
func Placeholders() *Decrypter { return &Decrypter{placeholders: true} }

// encrypted is a value that SOPS has encrypted, with its type.
var encrypted = regexp.MustCompile(`ENC\[AES256_GCM,[^\]\n]*type:([a-z]+)\]`)

// hidden returns a file as if decrypted, with the Placeholder for each value.
func hidden(asked request) opened {
	text := encrypted.ReplaceAllFunc(asked.Data, func(value []byte) []byte {
		switch string(encrypted.FindSubmatch(value)[1]) {
		case "int", "float":
			return []byte("0")
		case "bool":
			return []byte("false")
		}
		return []byte(Placeholder)
	})
	return opened{plain: withoutMetadata(asked.Format, text), values: []string{Placeholder}}
}

// withoutMetadata removes SOPS's metadata from a file.
func withoutMetadata(format string, text []byte) []byte {
	var document map[string]any
	switch format {
	case "dotenv":
		return dotenvMetadata.ReplaceAll(text, nil)
	case "ini":
		return iniMetadata.ReplaceAll(text, nil)
	case "yaml":
		if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
			return yamlMetadata.ReplaceAll(text, nil)
		}
	}
	if json.Unmarshal(text, &document) != nil {
		return text
	}
	if data, ok := document["data"].(string); ok && format == "binary" {
		return []byte(data)
	}
	delete(document, "sops")
	out, err := json.Marshal(document)
	if err != nil {
		return text
	}
	return out
}

// The metadata of SOPS: a mapping at the end or between others, variables, a section.
var (
	yamlMetadata   = regexp.MustCompile(`(?m)^"?sops"?:[ \t]*\r?\n(?:[ \t]+.*(?:\n|\z)|-[ \t].*(?:\n|\z)|[ \t]*\r?\n)*`)
	dotenvMetadata = regexp.MustCompile(`(?m)^sops_.*(?:\n|\z)`)
	iniMetadata    = regexp.MustCompile(`(?ms)^\[sops\].*\z`)
)
