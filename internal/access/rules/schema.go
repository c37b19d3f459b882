package rules

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed schema
var schemas embed.FS

// schemaOf is the schema of each file.
var schemaOf = map[string]string{
	groupsFile: "groups.json", accessFile: "access.json", reposFile: "repositories.json",
	operatorsDir + "/NAME.yaml": "operator.json", authoritiesFile: "authorities.json", windowsFile: "windows.json",
	clustersDir + "/NAME.yaml": "cluster.json", notificationsFile: "notifications.json", mirrorsDir + "/NAME.yaml": "mirror.json",
	remotesDir + "/NAME.yaml": "remotes.json", aliasesDir + "/NAME.yaml": "aliases.json",
}

// Files are the files that have a schema, as people name them.
var Files = []string{operatorsDir + "/NAME.yaml", groupsFile, accessFile, reposFile, authoritiesFile, windowsFile, notificationsFile, clustersDir + "/NAME.yaml", mirrorsDir + "/NAME.yaml", remotesDir + "/NAME.yaml", aliasesDir + "/NAME.yaml"}

// Schema returns the JSON schema (draft 2020-12) of a file of admin.git, by which editors
// complete its fields; every file of a folder has the same. It is looser than Parse, which
// alone says whether a file is right.
func Schema(file string) (schema []byte, ok bool) {
	folder := path.Dir(file)
	for _, of := range []string{mirrorsDir, remotesDir, aliasesDir} {
		if strings.HasPrefix(folder, of+"/") {
			folder = of
		}
	}
	if slices.Contains([]string{operatorsDir, clustersDir, mirrorsDir, remotesDir, aliasesDir}, folder) && strings.HasSuffix(file, ".yaml") {
		file = folder + "/NAME.yaml"
	}
	name, ok := schemaOf[file]
	if !ok {
		return nil, false
	}
	schema, err := schemas.ReadFile("schema/" + name)
	return schema, err == nil
}
