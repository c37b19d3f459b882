package appfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/window"
)

// Entry is an app to write, and what to say about it, a line each.
type Entry struct {
	App      App
	Comments []string
}

// Write writes a pushboat.yaml with apps: the fields that are not as they are without being
// written. head are comments at its beginning. Read makes the same apps of it, apart from
// what is not of one file: Imported, Hidden, NamespaceMetadata, Released, and Data of PostBuild.From.
func Write(head []string, entries []Entry) ([]byte, error) {
	var b bytes.Buffer
	comment(&b, "", head)
	if len(entries) == 0 {
		b.WriteString("apps: []\n")
		return b.Bytes(), nil
	}
	b.WriteString("apps:\n")
	for _, e := range entries {
		comment(&b, "  ", e.Comments)
		var text bytes.Buffer
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		if err := encoder.Encode(appNode(e.App)); err != nil {
			return nil, fmt.Errorf("write app %s: %w", e.App.Name, err)
		}
		for i, line := range strings.SplitAfter(strings.TrimSuffix(text.String(), "\n"), "\n") {
			switch {
			case i == 0:
				b.WriteString("  - ")
			case strings.TrimSpace(line) != "":
				b.WriteString("    ")
			}
			b.WriteString(line)
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}

// comment writes lines of comment.
func comment(b *bytes.Buffer, indent string, lines []string) {
	for _, line := range lines {
		b.WriteString(strings.TrimRight(indent+"# "+manifest.Clean(line), " ") + "\n")
	}
}

// written is a mapping that is being written.
type written struct{ *yaml.Node }

func mapping() written { return written{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}} }

// put writes a field, unless its value is the zero value of its type.
func (w written) put(name string, value any) {
	if v := reflect.ValueOf(value); !v.IsValid() || v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return
	}
	w.set(name, value)
}

// set writes a field. A nil *yaml.Node, and a mapping without fields, are left out.
func (w written) set(name string, value any) {
	n, made := value.(*yaml.Node)
	if !made {
		n = nodeOf(value)
	}
	if n == nil || n.Kind == yaml.MappingNode && len(n.Content) == 0 && made {
		return
	}
	w.Content = append(w.Content, textNode(name), n)
}

// putUnless writes a field that is not as it is without being written.
func putUnless[T comparable](w written, name string, value, otherwise T) {
	if value != otherwise {
		w.set(name, value)
	}
}

// unsafe are texts that some readers of YAML take for something else.
var unsafe = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|~|<<|=|[-+.]?[0-9].*)?$`)

// textNode is a text.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch {
	case strings.Contains(text, "\n"):
		n.Style = yaml.LiteralStyle
	case unsafe.MatchString(text):
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// nodeOf is a value of JSON, a list of texts, or a time that passes.
func nodeOf(value any) *yaml.Node {
	scalar := func(tag, text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text} }
	switch v := value.(type) {
	case string:
		return textNode(v)
	case bool:
		return scalar("!!bool", fmt.Sprint(v))
	case int, int64:
		return scalar("!!int", fmt.Sprint(v))
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return scalar("!!float", v.String())
		}
		return scalar("!!int", v.String())
	case time.Duration:
		return textNode(manifest.AsSetting(v))
	case []string:
		list := make([]any, len(v))
		for i, text := range v {
			list[i] = text
		}
		return nodeOf(list)
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, element := range v {
			n.Content = append(n.Content, nodeOf(element))
		}
		return n
	case map[string]string:
		m := mapping()
		for _, key := range sortedKeys(v) {
			m.set(key, v[key])
		}
		return m.Node
	case map[string]any:
		m := mapping()
		for _, key := range sortedKeys(v) {
			m.Content = append(m.Content, textNode(key), nodeOf(v[key]))
		}
		return m.Node
	case json.RawMessage:
		return jsonNode(v)
	}
	if text := reflect.ValueOf(value); text.IsValid() && text.Kind() == reflect.String {
		return textNode(text.String())
	}
	return scalar("!!null", "null")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// jsonNode is JSON that was read before.
func jsonNode(text json.RawMessage) *yaml.Node {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return nodeOf(value)
}

// listOf is a list of mappings, which are in one line if flow is set.
func listOf[E any](elements []E, flow bool, of func(E, written)) *yaml.Node {
	if len(elements) == 0 {
		return nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, element := range elements {
		m := mapping()
		if flow {
			m.Style = yaml.FlowStyle
		}
		of(element, m)
		n.Content = append(n.Content, m.Node)
	}
	return n
}

// appNode is an entry of apps.
func appNode(app App) *yaml.Node {
	m, as := mapping(), defaultApp()
	m.set("name", string(app.Name))
	writePath(m, app)
	putUnless(m, "branch", string(app.Branch), string(as.Branch))
	putUnless(m, "cluster", app.Cluster, as.Cluster)
	m.put("namespace", app.Namespace)
	m.put("createNamespace", app.CreateNamespace)
	m.put("serviceAccount", app.ServiceAccount)
	writeSource(m, app)
	m.set("sources", listOf(app.Sources, false, func(s Addition, one written) {
		writePath(one, app.With(s))
		writeSource(one, app.With(s))
	}))
	m.set("substitute", substituteNode(app.Substitute))
	m.set("postBuild", postBuildNode(app.PostBuild))
	putUnless(m, "schedule", app.Schedule, as.Schedule)
	putUnless(m, "fullSchedule", app.FullSchedule, as.FullSchedule)
	putUnless(m, "drift", app.Drift, as.Drift)
	putUnless(m, "prune", app.Prune, as.Prune)
	m.put("onRemove", app.OnRemove)
	putUnless(m, "timeout", app.Timeout, as.Timeout)
	if len(app.DependsOn) > 0 {
		names := make([]string, len(app.DependsOn))
		for i, on := range app.DependsOn {
			names[i] = string(on)
		}
		m.set("dependsOn", names)
	}
	putUnless(m, "onFailure", app.OnFailure, as.OnFailure)
	if app.PlainSecrets {
		m.set("plainSecrets", plainSecretsAllow)
	}
	writeObjects(m, app)
	m.put("suspended", app.Suspended)
	m.put("leaveOut", app.LeaveOut)
	return m.Node
}

// writePath writes from where an app is rendered.
func writePath(m written, app App) {
	if app.Artifact.IsZero() {
		m.set("path", app.Path)
	}
	m.set("artifact", artifactNode(app.Artifact))
}

// writeSource writes how a folder or chart is rendered.
func writeSource(m written, app App) {
	putUnless(m, "render", app.Render, RenderAuto)
	m.set("kustomize", kustomizeNode(app.Kustomize))
	m.set("helm", helmNode(app.Helm))
	if len(app.Manifests) > 0 {
		var paths []string
		for _, beside := range app.Manifests {
			paths = append(paths, beside.Path)
		}
		m.set("manifests", paths)
	}
	files := mapping()
	files.put("flat", app.Files.Flat)
	files.put("include", app.Files.Include)
	files.put("exclude", app.Files.Exclude)
	m.set("files", files.Node)
}

// kustomizeNode is what an app adds to a kustomization.
func kustomizeNode(k Kustomize) *yaml.Node {
	m := mapping()
	m.put("generate", k.Generate)
	m.put("replace", k.Replace)
	m.put("namespace", k.Namespace)
	m.put("namePrefix", k.NamePrefix)
	m.put("nameSuffix", k.NameSuffix)
	m.put("components", k.Components)
	m.put("images", k.Images)
	m.put("replicas", k.Replicas)
	m.put("labels", k.Labels)
	if len(k.CommonAnnotations) > 0 {
		m.set("commonAnnotations", k.CommonAnnotations)
	}
	m.put("patches", k.Patches)
	return m.Node
}

// helmNode is how the chart of an app is rendered.
func helmNode(h Helm) *yaml.Node {
	m := mapping()
	m.put("chart", h.Chart)
	m.put("version", h.Version)
	m.put("repo", h.Repo)
	m.put("digest", h.Digest)
	m.set("verify", verifyNode(h.Verify))
	m.put("releaseName", h.ReleaseName)
	m.put("skipCRDs", h.SkipCRDs)
	m.put("skipHooks", h.SkipHooks)
	m.put("replaceValues", h.ReplaceValues)
	writeValues(m, h.Values)
	m.set("parameters", listOf(h.Parameters, true, func(p Parameter, one written) {
		one.set("name", p.Name)
		if p.File != "" {
			one.set("file", p.File)
		} else {
			one.set("value", p.Value)
		}
		one.put("text", p.Text)
	}))
	m.set("generated", listOf(h.Generated, true, func(g Generated, one written) {
		one.set("path", g.Path)
		one.set("format", g.Format)
		one.put("length", g.Length)
	}))
	m.set("postRender", listOf(h.PostRender, false, func(k Kustomize, one written) {
		one.put("images", k.Images)
		one.put("patches", k.Patches)
	}))
	m.put("postRenderHooks", h.PostRenderHooks)
	return m.Node
}

// writeValues writes values of a chart; those of the cluster are below the others.
func writeValues(m written, all []HelmValues) {
	values := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	var froms []HelmFrom
	for _, one := range all {
		switch inline := jsonNode(one.Inline); {
		case one.From != nil:
			froms = append(froms, *one.From)
		case one.File != "":
			values.Content = append(values.Content, textNode(one.File))
		case inline != nil:
			values.Content = append(values.Content, inline)
		}
	}
	m.set("valuesFrom", listOf(froms, true, func(f HelmFrom, one written) {
		one.set(kindField(f.Kind), f.Namespace+"/"+f.Name)
		putUnless(one, "key", f.Key, DefaultValuesKey)
		one.put("target", f.Target)
		one.put("text", f.Text)
		one.put("optional", f.Optional)
	}))
	if len(values.Content) > 0 {
		m.set("values", values)
	}
}

// substituteNode declares names.
func substituteNode(s Substitute) *yaml.Node {
	m, values, from := mapping(), mapping(), mapping()
	for _, n := range s.Names {
		switch _, isText := n.Value.(string); {
		case n.From != (Origin{}):
			origin := mapping()
			origin.Style = yaml.FlowStyle
			origin.set(kindField(n.From.Kind), n.From.Namespace+"/"+n.From.Name)
			origin.set("key", n.From.Key)
			from.set(n.Name, origin.Node)
		case isText:
			values.set(n.Name, n.Text)
		default:
			values.set(n.Name, &yaml.Node{Kind: yaml.ScalarNode, Value: n.Text})
		}
	}
	m.put("prefix", s.Prefix)
	m.set("values", values.Node)
	m.set("from", from.Node)
	return m.Node
}

// kindField is the field that names an object of a kind.
func kindField(kind string) string {
	if kind == manifest.SecretKind.Kind {
		return "secret"
	}
	return "configMap"
}

// postBuildNode is what is done to objects in the end.
func postBuildNode(p PostBuild) *yaml.Node {
	m := mapping()
	m.put("always", p.Always)
	for _, pairs := range []struct {
		name string
		of   map[string]string
	}{{"values", p.Values}, {"labels", p.Labels}, {"annotations", p.Annotations}} {
		switch {
		case len(pairs.of) > 0:
			m.set(pairs.name, pairs.of)
		case pairs.of != nil && pairs.name == "values": // without values, names are replaced by their defaults
			m.Content = append(m.Content, textNode(pairs.name), &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle})
		}
	}
	m.set("from", listOf(p.From, true, func(v ValuesFrom, one written) {
		one.set(kindField(v.Kind), v.Namespace+"/"+v.Name)
		one.put("optional", v.Optional)
	}))
	return m.Node
}

// writeObjects writes rules for objects of kinds, and windows.
func writeObjects(m written, app App) {
	m.set("ignore", listOf(app.Ignore, false, func(i Ignore, one written) {
		one.set("kind", i.Kind)
		one.put("group", i.Group)
		one.put("namespace", i.Namespace)
		one.put("name", i.Name)
		one.put("pointers", i.Pointers)
		one.put("jq", i.JQ)
	}))
	m.set("health", listOf(app.Health, false, func(h Health, one written) {
		one.put("group", h.Group)
		one.set("kind", h.Kind)
		for _, rule := range []struct {
			name string
			of   Expression
		}{{"suspended", h.Suspended}, {"inProgress", h.InProgress}, {"failed", h.Failed}, {"current", h.Current}, {"ended", h.Ended}, {"message", h.Message}} {
			one.put(rule.name, rule.of.Text)
		}
	}))
	m.set("windows", listOf(app.Windows, false, func(w window.Window, one written) {
		one.set("name", w.Name)
		one.put("reason", w.Reason)
		times := mapping()
		times.Style = yaml.FlowStyle
		if w.Times.Schedule != "" {
			times.set("schedule", w.Times.Schedule)
			times.set("duration", w.Times.Duration)
		} else {
			times.set("from", w.Times.From.Format(time.RFC3339))
			times.set("to", w.Times.To.Format(time.RFC3339))
		}
		putUnless(times, "timeZone", w.Times.Zone, "UTC")
		one.set(string(w.Kind), times.Node)
		putUnless(one, "whenClosed", w.WhenClosed, window.Refuse)
		putUnless(one, "corrections", w.Corrections, window.Always)
	}))
}
