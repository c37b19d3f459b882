package appfile

import _ "embed" // for the schema

//go:embed schema.json
var schema []byte

// Schema returns the JSON schema (draft 2020-12) of pushboat.yaml, by which editors
// complete its fields. It is looser than Parse, which alone says whether a file is
// right: it knows no folders, and no patterns that placeholders of a matrix break.
func Schema() []byte { return schema }
