package meaning

import (
	"bytes"
	"errors"
	"fmt"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// maxAliased bounds the values of a text that aliases repeat ("billion laughs").
const maxAliased = 10_000

var errAliased = fmt.Errorf("aliases repeat more than %d values", maxAliased)

// Unmarshal reads YAML, as yaml.Unmarshal does, but for texts whose aliases make much of little.
func Unmarshal(text []byte, into any) error {
	if bytes.IndexByte(text, '*') >= 0 && bytes.IndexByte(text, '&') >= 0 {
		if err := checkAliases(text); err != nil {
			return err
		}
	}
	return yaml.Unmarshal(text, into)
}

// checkAliases is an error for a text whose aliases repeat too much.
func checkAliases(text []byte) (err error) {
	defer func() {
		if recover() != nil { // the library may
			err = errors.New("it cannot be read")
		}
	}()
	var root yamlnode.Node
	if err := yamlnode.NewDecoder(bytes.NewReader(text)).Decode(&root); err != nil {
		return nil // whoever reads it reports it better
	}
	aliased := 0
	var visit func(n *yamlnode.Node, inside bool)
	visit = func(n *yamlnode.Node, inside bool) {
		if inside {
			aliased++
		}
		if aliased > maxAliased {
			return
		}
		if n.Kind == yamlnode.AliasNode {
			visit(n.Alias, true)
			return
		}
		for _, inner := range n.Content {
			visit(inner, inside)
		}
	}
	if visit(&root, false); aliased > maxAliased {
		return errAliased
	}
	return nil
}
