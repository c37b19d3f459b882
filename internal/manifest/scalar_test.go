package manifest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// scalarTexts are plain and quoted scalars in every form that YAML 1.1 and 1.2 read
// differently, and in forms that people write into manifests.
var scalarTexts = strings.Split(`~|null|Null|NULL|nULL|y|Y|yes|Yes|YES|yEs|n|N|no|No|NO|on|On|ON|off|Off|OFF|true|True|TRUE|tRUE|false|False|FALSE
0|-0|+0|1|+1|-1|007|0644|0o644|0O644|0x1F|0X1f|0xg|0b101|-0b101|+0b1|0b2|0_1|1_000|1__0|_1|1_|-1_0|08|09|089
9223372036854775807|9223372036854775808|-9223372036854775808|-9223372036854775809|18446744073709551615|18446744073709551616|99999999999999999999999
1.0|1.5|-1.5|+1.5|.5|-.5|+.5|5.|1e3|1E3|1e-3|1e+3|1.5e3|1e21|1e20|1e400|-1e400|1_0.5|.5_5|._5|1.2.3|.e1|+|.|..|1e|e1
0.1|0.30000000000000004|123456789.123|1e-7|-0.0|0.0|100000000000000000000.0
2001-12-14|2001-12-14t21:59:43.10-05:00|2001-12-14 21:59:43|2001-1-1|12:30:45|190:20:30|20:30
10m|100Mi|1.5Gi|1h|5s|0.0.0.0|1:2|-a|+a|0x|0b|0o|0o8|00|000|0.|-.|1-2|1/2|10%|infinity|inf|nan|NaN|Infinity
"yes"|'yes'|"1"|'1'|"~"|''|""|"a\tb"|"\u00e9"|"\x41"|'it''s'
!!str 1|!!str yes|!!str|!!int "5"|!!int 5|!!float 1|!!float "1.5"|!!float 1e3|!!bool yes|!!bool "true"|!!null ~|!!null ""|!!binary aGVsbG8=|!foo 5|!foo bar|!!str "x"
=|<<|a b|a#b|a:b|{}|[]|[1, yes]|{a: 1, b: [x, 0x10]}
"0644"|0644 |'0644'|~a|nullx|yess|trueish|1 2|é|日本|😀|0xFFFFFFFFFFFFFFFF|0xFFFFFFFFFFFFFFFFF|-0x10|0777777777777777777777|1e1_0|+.inf_|.in|.INFINITY`, "|")

// TestScalarsAsKubectl compares values with kubectl's: sigs.k8s.io/yaml converts YAML to
// JSON, and the JSON is read as an unstructured object.
func TestScalarsAsKubectl(t *testing.T) {
	var texts []string
	for _, text := range scalarTexts {
		texts = append(texts, strings.Split(text, "\n")...)
	}
	for _, text := range texts {
		want, err := asKubectl("v: " + text + "\n")
		if err != nil {
			t.Errorf("%s: reference: %v", text, err)
			continue
		}
		got, problems := Parse("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nv: "+text+"\n"))
		if len(problems) > 0 {
			t.Errorf("%s: %v; kubectl reads %#v", text, problems, want)
			continue
		}
		if v := got[0].Object["v"]; !reflect.DeepEqual(v, want) {
			t.Errorf("%s: read as %#v; kubectl reads %#v", text, v, want)
		}
	}
}

func asKubectl(text string) (any, error) {
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := utiljson.Unmarshal(data, &object); err != nil {
		return nil, err
	}
	return object["v"], nil
}

// TestScalarsRefused has scalars that kubectl refuses too, or would change without a
// warning.
func TestScalarsRefused(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{".nan", "NaN is a number that JSON cannot hold"},
		{"-.inf", "-Inf is a number that JSON cannot hold"},
		{"!!int x", `"x" is not of the type that its tag !!int says`},
		{"!!bool 1", `"1" is not of the type that its tag !!bool says`},
		{"!!null x", `"x" is not of the type that its tag !!null says`},
		{"!!float x", `"x" is not of the type that its tag !!float says`},
		{"!!binary x", "!!binary: illegal base64"},
		{"!!binary /w==", "!!binary holds bytes that are not UTF-8 text"},
	} {
		_, problems := Parse("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nv: "+test.text+"\n"))
		if len(problems) != 1 || problems[0].Source.Line != 4 || !strings.Contains(problems[0].Message, test.want) {
			t.Errorf("%s: problems %v, want %q on line 4", test.text, problems, test.want)
		}
	}
}

func TestNumbersKeepTheirValueInJSON(t *testing.T) {
	objects, problems := Parse("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nv: [9007199254740993, 1.0, 1.25, 1e3]\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text, err := json.Marshal(objects[0].Object["v"])
	if err != nil {
		t.Fatal(err)
	}
	if want := "[9007199254740993,1,1.25,1000]"; string(text) != want {
		t.Errorf("JSON %s, want %s", text, want)
	}
}
