package secrets

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Variants is the number of alternative values that are tried in place of encrypted
// ones, to find the fields that depend on them. One would do, were it not that a
// template may give the same result for two values by chance.
const Variants = 2

// Unknown returns a decrypter without keys, for revisions that nobody with the right to
// deploy has accepted: every encrypted value is the Placeholder, and masked like the
// value itself.
func Unknown() *Decrypter { return &Decrypter{unknown: true} }

// Varies reports whether any value was decrypted or given so far, so that there are
// alternatives to try.
func (f *Files) Varies() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.decrypted)+len(f.given) > 0 && (f.decrypter == nil || !f.decrypter.placeholders)
}

// Variant returns the revision with other values in place of the encrypted ones; n is
// from 1 to Variants.
func (f *Files) Variant(n int) *Files {
	other := f.decrypter.Files(f.ctx, f.FS, f.limit)
	other.variant = n
	other.Conceal(f.hidden...)
	other.Give(variedGiven(f.given, n))
	return other
}

// Same returns a function that reports whether two texts, of the revision and of a
// variant, are equal apart from the values that stand in them as they are.
func (f *Files) Same(variant *Files) func(text, other string) bool {
	mine, its := f.marker(), variant.marker()
	return func(text, other string) bool { return mine(text) == its(other) }
}

// marker returns a function that puts a mark in place of decrypted values.
func (f *Files) marker() func(string) string {
	values := f.decryptedValues()
	sort.SliceStable(values, func(i, j int) bool { return len(values[i]) > len(values[j]) }) // the longest wins
	var pairs []string
	for _, value := range values {
		pairs = append(pairs, value, "\x00")
	}
	return strings.NewReplacer(pairs...).Replace
}

// encryptedMAC matches the place of a file's own MAC, which is encrypted like a value.
var encryptedMAC = regexp.MustCompile(`(?:"?mac"?\s*[:=]\s*|sops_mac=)"?$`)

// varied returns a file as if it had been decrypted to other values. They have the form
// of the real ones, as far as those have one: a chart's schema may require it.
func varied(asked request, file opened, n int) opened {
	places := encrypted.FindAllSubmatchIndex(asked.Data, -1)
	for i := range slices.Backward(places) {
		if encryptedMAC.Match(asked.Data[max(0, places[i][0]-12):places[i][0]]) {
			places = append(places[:i], places[i+1:]...)
			break
		}
	}
	known := len(places) == len(file.values)
	kept := identities(file.plain)
	var text []byte
	var values []string
	end := 0
	for i, place := range places {
		original := ""
		if known {
			original = file.values[i]
		}
		if asked.Format != "json" && asked.Format != "yaml" && asked.Format != "binary" && strings.ContainsAny(original, "\r\n\"'") {
			original = "" // such a value is not written as it is
		}
		value := original
		if original == "" || !kept[original] {
			value = another(string(asked.Data[place[2]:place[3]]), original, n)
		}
		text = append(text, asked.Data[end:place[0]]...)
		text = append(text, written(asked, place[0], string(asked.Data[place[2]:place[3]]), value)...)
		values = append(values, value)
		end = place[1]
	}
	text = append(text, asked.Data[end:]...)
	return opened{plain: withoutMetadata(asked.Format, text), values: values}
}

// identities returns the kinds and names of the objects in a manifest that is encrypted
// as a whole. Its variants keep them: they are shown everywhere, and without them it is
// no manifest.
func identities(plain []byte) map[string]bool {
	kept := map[string]bool{}
	decoder := yaml.NewDecoder(bytes.NewReader(plain))
	for {
		var o struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct {
				Name         string `yaml:"name"`
				GenerateName string `yaml:"generateName"`
				Namespace    string `yaml:"namespace"`
			} `yaml:"metadata"`
		}
		if decoder.Decode(&o) != nil {
			return kept
		}
		if o.APIVersion != "" && o.Kind != "" {
			for _, value := range []string{o.APIVersion, o.Kind, o.Metadata.Name, o.Metadata.GenerateName, o.Metadata.Namespace} {
				kept[value] = true
			}
		}
	}
}

// written returns a value in the form for a place of a file.
func written(asked request, at int, kind, value string) []byte {
	quoted := at > 0 && asked.Data[at-1] == '"'
	if kind != "str" || asked.Format == "dotenv" || asked.Format == "ini" {
		return []byte(value)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return []byte(value)
	}
	text := bytes.TrimSpace(out.Bytes())
	if quoted {
		text = text[1 : len(text)-1]
	}
	return text
}

// another returns a value of the same type and form as the original, which may be "" if
// it is not known.
func another(kind, original string, n int) string {
	plain := [...]string{"a1b2c3d4e5f6", "QzYxWvUtSrQpOnMl"}
	switch kind {
	case "bool":
		return [...]string{"false", "true"}[n-1]
	case "int", "float":
		if turned := turn(original, n); turned != original && len(original) <= maxNumber {
			return turned
		}
		return [...]string{"17", "4711"}[n-1]
	case "comment":
		return "x"
	case "time":
		return [...]string{"2001-02-03T04:05:06Z", "2012-11-10T09:08:07Z"}[n-1]
	}
	if turned := turn(original, n); turned != original {
		return turned
	}
	return plain[n-1]
}

// maxNumber is the number of digits that always fit 64 bits.
const maxNumber = 17

// hexadecimal matches text that is most likely bytes in hex.
var hexadecimal = regexp.MustCompile(`^[0-9a-f-]{8,}$`)

// turn replaces each letter and digit by another one of its kind. A number never begins
// with 0, and hexadecimal text stays so.
func turn(text string, n int) string {
	step, small := [...]rune{1, 4}[n-1], rune(26)
	if hexadecimal.MatchString(text) {
		small = 6
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+step)%small
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+step)%26
		case r >= '1' && r <= '9':
			return '1' + (r-'1'+step)%9
		case r == '0':
			return '0' + step
		}
		return r
	}, text)
}
