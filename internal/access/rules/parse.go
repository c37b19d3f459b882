package rules

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// The files of admin.git.
const (
	operatorsDir = "operators"
	clustersDir  = "clusters"
	receiversDir = "receivers"
	mirrorsDir   = "mirrors"
	remotesDir   = "remotes"
	aliasesDir   = "aliases"
	groupsFile   = "groups.yaml"
	accessFile   = "access.yaml"
	reposFile    = "repositories.yaml"

	authoritiesFile = "authorities.yaml"
	windowsFile     = "windows.yaml"

	notificationsFile = "notifications.yaml"
)

// Limits of what is read.
const (
	maxFile         = 1 << 20  // bytes of groups.yaml, access.yaml, repositories.yaml
	maxOperatorFile = 64 << 10 // bytes
	maxOperators    = 5000
	maxKeys         = 32 // of one operator
	maxGroups       = 1000
	maxMembers      = 5000 // of one group
	maxRules        = 5000
	maxWho          = 200 // of one rule
	maxRights       = 50  // of one list of a rule
	maxEntries      = 200 // of the root, beside operators
)

// parser reads one revision.
type parser struct {
	tree     fs.FS
	rules    *Rules
	problems manifest.Problems
}

// Parse reads a revision of admin.git. If there is any problem, there are no rules.
func Parse(tree fs.FS) (*Rules, manifest.Problems) {
	p := &parser{tree: tree, rules: &Rules{
		operators: map[string]*Operator{}, groups: map[string][]string{}, of: map[string][]string{},
		by: map[string][]*Rule{}, keys: map[string]holder{}, pgpIDs: map[uint64]string{},
		signers: map[string]signer{},
	}}
	p.checkRoot()
	p.readOperators()
	p.readGroups()
	p.readAccess()
	p.readRepositories()
	p.readAuthorities()
	p.readWindows()
	p.readClusters()
	p.readNotifications()
	p.readMirrors()
	p.readRemotes()
	p.readAliases()
	if len(p.problems) > 0 {
		p.problems.Sort()
		return nil, p.problems
	}
	return p.rules, nil
}

func (p *parser) add(file string, line int, message, hint string) {
	p.problems = append(p.problems, manifest.Problem{
		Source: manifest.Source{File: file, Line: line}, Message: message, Hint: hint,
	})
}

// rootNames are the names that mean something at the root.
var rootNames = append(slices.Clone(rootFiles), operatorsDir, clustersDir, receiversDir, mirrorsDir, remotesDir, aliasesDir)

var rootFiles = []string{groupsFile, accessFile, reposFile, authoritiesFile, windowsFile, notificationsFile}

// checkRoot refuses files that look like rules and would not be read. Others, such as a
// README.md, are nobody's concern.
func (p *parser) checkRoot() {
	entries, err := fs.ReadDir(p.tree, ".")
	if err != nil {
		p.add("", 0, err.Error(), "push a commit with "+accessFile)
		return
	}
	if len(entries) > maxEntries {
		p.add("", 0, fmt.Sprintf("there are more than %d files and folders at the root", maxEntries), "keep only the rules here")
		return
	}
	for _, entry := range entries {
		name := entry.Name()
		switch {
		case slices.Contains(rootNames, name), strings.HasPrefix(name, "."):
		case isYAML(name):
			p.add(name, 0, "this file is not read", form.Hint(name, rootFiles))
		case entry.IsDir():
			p.add(name, 0, "this folder is not read", form.Hint(name, rootNames[len(rootFiles):]))
		}
	}
}

func isYAML(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

// read reads a file that may be missing; ok is false if it is, or has a problem.
func (p *parser) read(file string, limit int) (data []byte, ok bool) {
	data, err := readFile(p.tree, file, limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case err != nil:
		p.add(file, 0, err.Error(), "")
		return nil, false
	case access.HasPrivateKey(string(data)):
		p.add(file, 0, access.ErrPrivateKey.Error(), "take the commit back: git reset --soft HEAD~1; and make a new key: somebody may have seen it")
		return nil, false
	}
	return data, true
}

func readFile(tree fs.FS, file string, limit int) ([]byte, error) {
	f, err := tree.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, errors.New("cannot be read as a plain file")
	}
	defer func() { _ = f.Close() }() // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("is not a plain file")
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("is larger than %d KiB", limit>>10)
	}
	return data, nil
}

// document opens a file that has one mapping, whose fields are known.
func (p *parser) document(file string, data []byte, known ...string) (*form.Reader, map[string]form.Field) {
	r := &form.Reader{File: file}
	root := r.Root(data)
	if root == nil {
		return r, nil
	}
	return r, r.Fields(root, "the file", known)
}

// groupsFields and accessFields are the fields of the files.
var (
	groupsFields = []string{"groups"}
	accessFields = []string{"rules", signedField, signedPushField, "requireTouch"}
)

// entriesOf are the entries of a mapping by name; none if there are more than most.
func entriesOf(r *form.Reader, f form.Field, most int, hint string) []form.Field {
	entries := r.Entries(f.Value, f.Name, hint)
	if len(entries) > most {
		r.Add(f.Line, fmt.Sprintf("there are more than %d %s", most, f.Name), "")
		return nil
	}
	return entries
}

// readGroups reads groups.yaml, which may be missing.
func (p *parser) readGroups() {
	data, ok := p.read(groupsFile, maxFile)
	if !ok {
		return
	}
	r, fields := p.document(groupsFile, data, groupsFields...)
	if groups, ok := fields["groups"]; ok {
		for _, entry := range entriesOf(r, groups, maxGroups, "write it like groups: {admins: [ana]}") {
			p.readGroup(r, entry)
		}
	}
	for group, members := range p.rules.groups {
		for _, member := range members {
			p.rules.of[member] = append(p.rules.of[member], group)
		}
	}
	for _, groups := range p.rules.of {
		slices.Sort(groups)
	}
	p.problems = append(p.problems, r.Problems...)
}

func (p *parser) readGroup(r *form.Reader, entry form.Field) {
	switch {
	case access.CheckOperator(entry.Name) != nil:
		r.Add(entry.Line, fmt.Sprintf("group %q %v", entry.Name, access.CheckOperator(entry.Name)), "")
		return
	case entry.Name == Everyone:
		r.Add(entry.Line, "everyone stands for all operators already", "give the group another name")
		return
	case p.rules.operators[entry.Name] != nil:
		r.Add(entry.Line, fmt.Sprintf("group %q has the name of an operator", entry.Name), "give the group another name")
		return
	}
	members := []string{}
	for _, member := range r.Texts(entry, maxMembers) {
		name := member.Value.Value
		if p.rules.operators[name] == nil {
			r.Add(member.Line, fmt.Sprintf("group %s: there is no operator %q", entry.Name, name), p.hintOperator(name))
			continue
		}
		members = append(members, name)
	}
	p.rules.groups[entry.Name] = members
}

// hintOperator names the operator whose name is nearest, or how to make one.
func (p *parser) hintOperator(name string) string {
	var names []string
	for _, operator := range p.rules.Operators() {
		names = append(names, operator.Name)
	}
	if near := manifest.Closest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "add operators/NAME.yaml for each operator"
}
