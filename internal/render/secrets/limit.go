package secrets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Limit says which of the keys may be used. The zero Limit is all of them.
type Limit struct {
	Keys  grant.Names
	Whose string // who gives them, for problems: "the grant of repository shop"
}

// HostKey is the name of the server's own key, whose file has the same name everywhere.
const HostKey = "server"

// keyNames are the names of the files of keys by their paths: that of a file is its base name,
// and its whole path where another one has the same.
func keyNames(config Config) map[string]string {
	names, count := map[string]string{}, map[string]int{HostKey: 1}
	files := slices.Concat(config.AgeKeys, config.PGPKeys)
	slices.Sort(files)
	files = slices.Compact(files)
	for _, file := range files {
		count[filepath.Base(file)]++
	}
	for _, file := range files {
		names[file] = file
		if base := filepath.Base(file); count[base] == 1 {
			names[file] = base
		}
	}
	for _, file := range config.SSHKeys {
		names[file] = HostKey
	}
	return names
}

// Names returns the names of the keys that a configuration has, sorted: of files, and those
// of clouds and Vault as they are in it, some with a * at the end.
func Names(config Config) []string {
	var names []string
	for _, name := range keyNames(config) {
		names = append(names, name)
	}
	names = append(names, config.Keys...)
	slices.Sort(names)
	return slices.Compact(names)
}

// limited adds to a request which keys may be used.
func (d *Decrypter) limited(asked request, keys grant.Names) request {
	if d == nil || keys.All() {
		return asked
	}
	asked.Limited, asked.Files = true, []string{}
	for file, name := range d.names {
		if keys.Has(name) {
			asked.Files = append(asked.Files, file)
		}
	}
	slices.Sort(asked.Files)
	for _, n := range keys.Taken {
		asked.Except = append(asked.Except, string(n))
	}
	if keys.Given != nil {
		asked.Only = []string{}
	}
	for _, n := range keys.Given {
		asked.Only = append(asked.Only, string(n))
	}
	return asked
}

// cacheKey is the key of a decrypted file for those who may use the same keys: who may not
// decrypt a file is not given it from the cache either.
func (r request) cacheKey(hash string) string {
	if !r.Limited {
		return r.Format + " " + hash
	}
	text, err := json.Marshal([][]string{r.Files, r.Only, r.Except, {}})
	if err != nil {
		return "" // never: and then it is not cached
	}
	sum := sha256.Sum256(text)
	return r.Format + " " + hash + " " + hex.EncodeToString(sum[:])
}

// named are the openers of a file by the names of their keys.
func (d *Decrypter) named(openers [][]string) [][]string {
	groups := make([][]string, len(openers))
	for i, group := range openers {
		for _, key := range group {
			if name, ok := d.names[key]; ok {
				key = name
			}
			groups[i] = append(groups[i], key)
		}
	}
	return groups
}

// withheld is the problem of a file that none of the keys opens that may be used. It is the
// same whether the server has others or not.
func (r reply) withheld(limit Limit) *manifest.Problem {
	lines := []string{"the file is encrypted, and " + limit.Whose + " gives none of the keys that it is encrypted for:"}
	for _, reader := range r.Readers {
		lines = append(lines, "  "+manifest.Clean(reader))
	}
	return &manifest.Problem{Message: strings.Join(lines, "\n"), Hint: grant.HintKeys}
}

// Used returns the encrypted files that were read, and which keys open them, by their names.
func (f *Files) Used() []grant.UsedFile {
	f.mu.Lock()
	defer f.mu.Unlock()
	var used []grant.UsedFile
	for name, file := range f.decrypted {
		if file.openers != nil {
			used = append(used, grant.UsedFile{File: name, Openers: file.openers, Needs: file.needs})
		}
	}
	slices.SortFunc(used, func(a, b grant.UsedFile) int { return strings.Compare(a.File, b.File) })
	return used
}
