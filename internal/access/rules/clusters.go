package rules

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Cluster is a file clusters/NAME.yaml: a cluster that the server deploys to, beside those of
// its configuration. It is reached in one of four ways: by the kubeconfig in the file, by one
// in a file beside it, as the cluster that the server runs in, or by Server.
type Cluster struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string // for the ApplicationSets of Argo CD

	Sealed    string // the path of the file that SOPS has encrypted, with the kubeconfig; "": none
	Text      []byte // of that file
	Beside    bool   // all of Text is the kubeconfig; else its field kubeconfig is
	InCluster bool
	Server    string // https://…
	CA        string // PEM; "": the system's
	TokenFile string // on the server's disk

	At manifest.Source
}

// Limits of clusters.
const (
	maxClusters      = 500
	maxClusterFile   = 256 << 10 // bytes, also of a kubeconfig beside it
	maxClusterLabels = 64
)

// clusterFields are the fields of the file. clusterWays are those of which it has one.
var (
	clusterWays   = []string{"kubeconfig", "kubeconfigFile", "inCluster", "server"}
	clusterFields = append([]string{"labels", "annotations", "ca", "tokenFile"}, clusterWays...)
)

// Forms of the parts of a cluster.
var (
	besideName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*\.kubeconfig$`)
	credential = regexp.MustCompile(`(?m)^[\s-]*["']?(token|password|client-key-data)["']?\s*:\s*["']?\S`)
)

// maxBesideName bounds the name of a file beside a cluster's, in bytes.
const maxBesideName = 110

// isLabel reports whether a text is a DNS label, as the names in files of rules are.
func isLabel(text string) bool { return name.CheckLabel(text) == nil }

// sealedMark begins a value that SOPS has encrypted.
const sealedMark = "ENC[AES256_GCM,"

// readClusters reads the files of clusters/, which may be missing.
func (p *parser) readClusters() {
	entries, err := fs.ReadDir(p.tree, clustersDir)
	if err != nil {
		return // it is no folder, or not there
	}
	if len(entries) > 2*maxClusters {
		p.add(clustersDir, 0, fmt.Sprintf("there are more than %d files", 2*maxClusters), "keep only clusters here")
		return
	}
	for _, entry := range entries {
		file := path.Join(clustersDir, entry.Name())
		name, is := strings.CutSuffix(entry.Name(), ".yaml")
		switch {
		case is && !isLabel(name):
			p.add(file, 0, fmt.Sprintf("%q is no name of a cluster", manifest.Clean(name)), "use lower case letters, digits and hyphens; a kubeconfig beside a cluster is called NAME.kubeconfig")
		case is:
			p.readCluster(name, file)
		case isYAML(entry.Name()):
			p.add(file, 0, "this file is not read", "a cluster is clusters/NAME.yaml")
		case path.Ext(file) != ".md":
			p.checkBeside(file)
		}
	}
}

// checkBeside refuses a file with credentials that nobody has encrypted.
func (p *parser) checkBeside(file string) {
	data, ok := p.read(file, maxClusterFile)
	if ok && !isSealed(data) && credential.Match(data) {
		p.add(file, 0, "has credentials, and is not encrypted: whoever reads admin would have them", hintSeal(file, ""))
	}
}

func isSealed(data []byte) bool {
	return bytes.Contains(data, []byte(sealedMark)) && bytes.Contains(data, []byte("sops"))
}

// hintSeal says how to encrypt a file, or only one of its fields.
func hintSeal(file, only string) string {
	if only != "" {
		only = " --encrypted-regex '^" + only + "$'"
	}
	return "make new credentials, for somebody may have seen these, and encrypt them for the server: sops encrypt -i" + only +
		" --age \"$(ssh HOST secrets recipient)\" " + file
}

func (p *parser) readCluster(name, file string) {
	data, ok := p.read(file, maxClusterFile)
	if !ok {
		return
	}
	known := clusterFields
	sealed := isSealed(data)
	if sealed {
		known = append(slices.Clone(known), "sops")
	}
	r, fields := p.document(file, data, known...)
	c := &Cluster{Name: name, At: manifest.Source{File: file}}
	c.Labels = readMarks(r, fields, labelsOf)
	c.Annotations = readMarks(r, fields, annotationsOf)
	p.readWay(r, c, fields, data, sealed)
	p.problems = append(p.problems, r.Problems...)
	if len(p.rules.clusters) < maxClusters {
		p.rules.clusters = append(p.rules.clusters, c)
	} else {
		p.add(file, 0, fmt.Sprintf("there are more than %d clusters", maxClusters), "")
	}
}

// marks are labels or annotations of a cluster.
type marks struct {
	field, example string
	fit            func(key, value string) bool
	kind, hint     string // a word for one of them, and what they are like
}

var (
	labelsOf = marks{
		"labels", "labels: {region: eu}",
		func(key, value string) bool {
			return len(validation.IsQualifiedName(key)) == 0 && len(validation.IsValidLabelValue(value)) == 0
		},
		"label", "labels are as in Kubernetes: letters, digits, - _ . with an optional domain/ before the key",
	}
	annotationsOf = marks{
		"annotations", "annotations: {addons_repo_url: https://…}", manifest.IsAnnotation,
		"annotation", fmt.Sprintf("the key is as in Kubernetes, and the value one line of at most %d bytes", manifest.MaxAnnotation),
	}
)

func readMarks(r *form.Reader, fields map[string]form.Field, of marks) map[string]string {
	f, ok := fields[of.field]
	if !ok {
		return nil
	}
	read := map[string]string{}
	entries := r.Entries(f.Value, of.field, "write it like "+of.example)
	if len(entries) > maxClusterLabels {
		r.Add(f.Line, fmt.Sprintf("there are more than %d %s", maxClusterLabels, of.field), "")
		return nil
	}
	for _, entry := range entries {
		value, ok := r.Text(entry)
		switch {
		case !ok:
		case strings.HasPrefix(value, sealedMark):
			r.Add(entry.Line, of.field+" are encrypted", "encrypt the kubeconfig alone: sops encrypt --encrypted-regex '^kubeconfig$'")
		case !of.fit(entry.Name, value):
			r.Add(entry.Line, fmt.Sprintf("%s: %s is no %s", manifest.Clean(entry.Name), manifest.Clean(value), of.kind), of.hint)
		default:
			read[entry.Name] = value
		}
	}
	return read
}

// readWay reads how a cluster is reached.
func (p *parser) readWay(r *form.Reader, c *Cluster, fields map[string]form.Field, data []byte, sealed bool) {
	var given []string
	for _, way := range clusterWays {
		if _, ok := fields[way]; ok {
			given = append(given, way)
		}
	}
	if len(given) != 1 {
		if len(r.Problems) == 0 {
			r.Add(1, "says how the cluster is reached in "+fmt.Sprint(len(given))+" ways, not in one", "give one of "+strings.Join(clusterWays, ", "))
		}
		return
	}
	f := fields[given[0]]
	switch given[0] {
	case "kubeconfig":
		c.Sealed, c.Text = r.File, data
		if !sealed || hasPlain(f.Value) {
			r.Add(f.Line, "kubeconfig is not encrypted: whoever reads admin would have its credentials", hintSeal(r.File, "kubeconfig"))
		}
	case "kubeconfigFile":
		p.readBeside(r, c, f)
	case "inCluster":
		is, ok := r.Boolean(f)
		if c.InCluster = is; ok && !is {
			r.Add(f.Line, "inCluster is false, and there is no other way to the cluster", "give one of "+strings.Join(clusterWays, ", "))
		}
	case "server":
		readServer(r, c, f, fields)
	}
	for _, name := range []string{"ca", "tokenFile"} {
		if f, ok := fields[name]; ok && given[0] != "server" {
			r.Add(f.Line, name+" goes with server; a kubeconfig has its own", "remove it")
		}
	}
}

// hasPlain reports whether a kubeconfig has a text that SOPS has not encrypted: it is
// encrypted as a whole, or at least in every credential.
func hasPlain(n *yaml.Node) bool {
	n = form.Follow(n)
	switch n.Kind {
	case yaml.ScalarNode:
		return !strings.HasPrefix(n.Value, sealedMark)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			value := form.Follow(n.Content[i+1])
			secret := slices.Contains([]string{"token", "password", "client-key-data", "value", "refresh-token", "id-token", "client-secret"}, n.Content[i].Value)
			if secret && value.Kind == yaml.ScalarNode && hasPlain(value) || value.Kind != yaml.ScalarNode && hasPlain(value) {
				return true
			}
		}
	case yaml.SequenceNode:
		return slices.ContainsFunc(n.Content, func(n *yaml.Node) bool { return form.Follow(n).Kind != yaml.ScalarNode && hasPlain(n) })
	}
	return false
}

// readBeside reads the file with a cluster's kubeconfig.
func (p *parser) readBeside(r *form.Reader, c *Cluster, f form.Field) {
	name, ok := r.Text(f)
	if !ok {
		return
	}
	if len(name) > maxBesideName || !besideName.MatchString(name) {
		r.Add(f.Line, fmt.Sprintf("kubeconfigFile: %q is no name of a file beside", manifest.Clean(name)), "name one of this folder: kubeconfigFile: "+c.Name+".kubeconfig")
		return
	}
	c.Sealed, c.Beside = path.Join(clustersDir, name), true
	data, err := readFile(p.tree, c.Sealed, maxClusterFile)
	switch {
	case err != nil:
		r.Add(f.Line, fmt.Sprintf("kubeconfigFile: %s is not there, or no plain file of at most %d KiB", c.Sealed, maxClusterFile>>10), "add it, encrypted: sops encrypt -i "+c.Sealed)
	case !isSealed(data) && !credential.Match(data): // of which checkBeside tells
		r.Add(f.Line, c.Sealed+" is not encrypted: whoever reads admin would have its credentials", hintSeal(c.Sealed, ""))
	}
	c.Text = data
}

// readServer reads an address with a certificate and a token.
func readServer(r *form.Reader, c *Cluster, f form.Field, fields map[string]form.Field) {
	var ok bool
	if c.Server, ok = r.Text(f); ok {
		at, err := url.Parse(c.Server)
		if err != nil || at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
			r.Add(f.Line, "server is no address of an API server", "write server: https://HOST:6443")
		}
	}
	if ca, given := fields["ca"]; given {
		if c.CA, ok = r.Text(ca); ok && !isCertificate(c.CA) {
			r.Add(ca.Line, "ca is no certificate in PEM", "write ca: | and below, indented, -----BEGIN CERTIFICATE-----")
		}
	}
	token, given := fields["tokenFile"]
	if !given {
		r.Add(f.Line, "server comes without tokenFile", "add tokenFile: the path of a file with a token on the server's disk, in the directory of its setting clusterFiles")
		return
	}
	if c.TokenFile, ok = r.Text(token); ok && (!filepath.IsAbs(c.TokenFile) || filepath.Clean(c.TokenFile) != c.TokenFile) {
		r.Add(token.Line, "tokenFile is no path from the root", "write it in full, in the directory of the server's setting clusterFiles")
	}
}

func isCertificate(text string) bool {
	rest := []byte(text)
	for found := false; ; found = true {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return found
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" {
			return false
		}
	}
}

// Clusters returns the clusters, by name.
func (r *Rules) Clusters() []*Cluster { return r.clusters }

// way tells one way to a cluster from another.
func (c *Cluster) way() string {
	return fmt.Sprint(c.Sealed, c.Beside, c.InCluster, c.Server, c.CA, c.TokenFile, string(c.Text))
}

// clusters compares the clusters.
func (c *comparison) clusters() {
	was, is := clustersByName(c.before), clustersByName(c.after)
	for name, after := range is {
		before, there := was[name]
		whose := "cluster " + name
		switch {
		case !there:
			c.say(whose, gains, "can be deployed to")
			before = &Cluster{}
		case before.way() != after.way():
			c.say(whose, changes, "is reached as the new file says")
		}
		if !maps.Equal(before.Labels, after.Labels) {
			c.say(whose, changes, "has the labels %s", labelsText(after.Labels))
		}
		if !maps.Equal(before.Annotations, after.Annotations) {
			c.say(whose, changes, "has the annotations %s", labelsText(after.Annotations))
		}
	}
	for name := range was {
		if _, there := is[name]; !there {
			c.say("cluster "+name, loses, "can no longer be deployed to")
		}
	}
}

func clustersByName(r *Rules) map[string]*Cluster {
	all := map[string]*Cluster{}
	for _, c := range r.clusters {
		all[c.Name] = c
	}
	return all
}

func labelsText(labels map[string]string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, key+"="+labels[key])
	}
	if len(list) == 0 {
		return "of none"
	}
	return strings.Join(list, ",")
}
