package rules

import (
	"embed"
	"path"
	"strings"
)

//go:embed schema
var schemas embed.FS

// schemaOf is the schema of each file.
var schemaOf = map[string]string{
	groupsFile: "groups.json", accessFile: "access.json", reposFile: "repositories.json",
	operatorsDir + "/NAME.yaml": "operator.json", authoritiesFile: "authorities.json", windowsFile: "windows.json",
}

// Files are the files that have a schema, as people name them.
var Files = []string{operatorsDir + "/NAME.yaml", groupsFile, accessFile, reposFile, authoritiesFile, windowsFile}

// Schema returns the JSON schema (draft 2020-12) of a file of admin.git, by which editors
// complete its fields; every file of operators has the same. It is looser than Parse, which
// alone says whether a file is right.
func Schema(file string) (schema []byte, ok bool) {
	if path.Dir(file) == operatorsDir && strings.HasSuffix(file, ".yaml") {
		file = operatorsDir + "/NAME.yaml"
	}
	name, ok := schemaOf[file]
	if !ok {
		return nil, false
	}
	schema, err := schemas.ReadFile("schema/" + name)
	return schema, err == nil
}
