package project

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/server"
)

// TestConfigurationIsRead checks that the server takes config/pushboat.yaml.
func TestConfigurationIsRead(t *testing.T) {
	config, err := server.ReadConfig(filepath.Join(root, "config/pushboat.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := config.Clusters["default"]; !ok || config.Data == "" {
		t.Errorf("read %+v, without a cluster or data", config)
	}
}

// TestConfigurationHasEverySetting finds settings that config/pushboat.yaml
// does not explain.
func TestConfigurationHasEverySetting(t *testing.T) {
	var file map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "config/pushboat.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if n := compareSettings(t, "", file, reflect.TypeFor[server.Config]()); n < 10 {
		t.Errorf("%d settings were compared: this test compares too little", n)
	}
}

// compareSettings looks each field of a struct up in a mapping, and returns how
// many it looked up.
func compareSettings(t *testing.T, at string, file map[string]any, in reflect.Type) int {
	t.Helper()
	seen := 0
	for field := range in.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		seen++
		value, ok := file[name]
		if !ok {
			t.Errorf("config/pushboat.yaml does not have %s%s", at, name)
		}
		if inner, ok := value.(map[string]any); ok && field.Type.Kind() == reflect.Struct {
			seen += compareSettings(t, at+name+".", inner, field.Type)
		}
	}
	return seen
}
