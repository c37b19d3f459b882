package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/config"
	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// Given holds the values from the command line. Anything else stays as earlier
// installations had it.
type Given struct {
	Image      string   // REPOSITORY[:TAG][@DIGEST]
	AdminKeys  []string // public key files, whose keys are added to those of admins
	Service    string   // the type of the Service
	SelfDeploy string   // the repository that deploys the server itself; NoSelf: none any more
	File       string   // of values of the chart, which replaces all earlier values
}

// Values are values of the chart that differ from its defaults: nested mappings, as in
// YAML.
type Values map[string]any

// maxValues is the largest file of values that is read, in bytes.
const maxValues = 1 << 20

// values puts the given values over the earlier ones.
func (g Given) values(before Values) (Values, error) {
	values := before
	if g.File != "" {
		var err error
		if values, err = readValues(g.File); err != nil {
			return nil, err
		}
	}
	if values == nil {
		values = Values{}
	}
	if g.Image != "" {
		image, err := parseImage(g.Image)
		if err != nil {
			return nil, err
		}
		values.set("image", image)
	}
	if g.Service != "" {
		values.set("service", Values{"type": g.Service})
	}
	if g.SelfDeploy != "" {
		values.deploySelf(g.SelfDeploy)
	}
	if len(g.AdminKeys) > 0 {
		keys, err := readKeys(g.AdminKeys)
		if err != nil {
			return nil, err
		}
		values.addAdmins(keys)
	}
	return values, nil
}

// set puts values into one of the mappings, which keeps its others.
func (v Values) set(key string, values Values) {
	mapping, ok := v[key].(map[string]any)
	if !ok {
		mapping = map[string]any{}
		v[key] = mapping
	}
	maps.Copy(mapping, values)
}

// NoSelf is said in the place of a repository that deploys the server.
const NoSelf = "none"

// deploySelf sets the repository that deploys the server itself.
func (v Values) deploySelf(repository string) {
	if repository == NoSelf {
		repository = ""
	}
	v.set("settings", Values{"self": map[string]any{"repository": repository}})
}

// selfRepository returns the repository that deploys the server itself; "": none does.
func (v Values) selfRepository() string {
	fields, _ := v["settings"].(map[string]any)
	return Values(fields).text("self", "repository")
}

// text returns the text at a key of a mapping; "" if there is none.
func (v Values) text(mapping, key string) string {
	fields, _ := v[mapping].(map[string]any)
	text, _ := fields[key].(string)
	return text
}

// addAdmins adds keys to those of the admins, each once.
func (v Values) addAdmins(keys []string) {
	fields, _ := v["keys"].(map[string]any)
	admins, _ := fields["admins"].([]any)
	for _, key := range keys {
		if !slices.Contains(admins, any(key)) {
			admins = append(admins, key)
		}
	}
	v.set("keys", Values{"admins": admins})
}

// readValues reads a file of values.
func readValues(path string) (Values, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxValues {
		err = fmt.Errorf("%q has more than %d bytes", path, maxValues)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	return parseValues(path, text)
}

// parseValues parses values. An error has its line.
func parseValues(file string, text []byte) (Values, error) {
	if _, problems := manifest.ReadYAML(file, text); len(problems) > 0 {
		return nil, problems
	}
	var values Values
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s: values are a mapping, such as image: {tag: \"1.4\"}", file)
	}
	return values, nil
}

// readKeys reads the lines of public key files: type, key and name.
func readKeys(paths []string) ([]string, error) {
	if _, err := access.ReadDirectory(access.Files{AdminKeys: paths}); err != nil {
		return nil, fmt.Errorf("--admin-key: %w", err)
	}
	var keys []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--admin-key: %w", access.WithoutPath(err))
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				keys = append(keys, line)
			}
		}
	}
	return keys, nil
}

// parseImage splits the name of an image.
func parseImage(name string) (Values, error) {
	rest, digest, _ := strings.Cut(name, "@")
	repository, tag := rest, ""
	if at := strings.LastIndex(rest, ":"); at > strings.LastIndex(rest, "/") {
		repository, tag = rest[:at], rest[at+1:]
	}
	if repository == "" || strings.ContainsAny(name, " \t") {
		return nil, fmt.Errorf("--image %q is no image; for example --image registry.example.org/pushboat:1.4", name)
	}
	return Values{"repository": repository, "tag": tag, "digest": digest}, nil
}

// chartImage is the default repository of the chart, where there is no image.
const chartImage = "registry.example/pushboat"

// checkImage returns an error if no image was ever given.
func (v Values) checkImage() error {
	if repository := v.text("image", "repository"); repository != "" && repository != chartImage {
		return nil
	}
	return report.WithHint(errors.New("no image of Pushboat is published: build one, push it to a registry of yours, and give its name"),
		"docker build -t REGISTRY/pushboat . && docker push REGISTRY/pushboat, then pushboat install --image REGISTRY/pushboat")
}

// imageTag returns the tag of the image, or its digest. The default is the version of
// this program.
func (v Values) imageTag(version string) string {
	for _, key := range []string{"digest", "tag"} {
		if text := v.text("image", key); text != "" {
			return text
		}
	}
	if version == "" {
		return "dev"
	}
	return version
}

// valuesName is the name of the ConfigMap with the values of the installation.
const valuesName = "pushboat-values"

const valuesKey = "values.yaml"

// values merges the values of earlier installations and the given ones.
func (o Order) values(ctx context.Context, cluster *kube.Cluster) (Values, error) {
	before, err := storedValues(ctx, cluster)
	if err != nil {
		return nil, err
	}
	return o.Given.values(before)
}

// storedValues reads the values of earlier installations; nil if there were none.
func storedValues(ctx context.Context, cluster *kube.Cluster) (Values, error) {
	data, err := cluster.ReadData(ctx, "ConfigMap", kube.SystemNamespace, valuesName)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read what was installed: %w", err)
	case data == nil:
		return nil, nil
	}
	return parseValues("ConfigMap "+kube.SystemNamespace+"/"+valuesName, data[valuesKey])
}

// stored returns the ConfigMap that keeps the values for the next installation.
func (v Values) stored() (*manifest.Object, error) {
	text, err := yaml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("keep the values: %w", err)
	}
	objects, problems := manifest.Rendered(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": valuesName, "namespace": kube.SystemNamespace,
			"labels": map[string]any{componentLabel: "kept"},
		},
		"data": map[string]any{valuesKey: string(text)},
	}, manifest.Source{File: config.Chart})
	if len(problems) > 0 {
		return nil, problems
	}
	return objects[0], nil
}
