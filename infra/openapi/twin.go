// Package openapi makes docs/openapi-3.0.yaml of docs/openapi.yaml, for programs that
// read no OpenAPI 3.1 (API Gateway's import, and some generators), docs/postman.json, and
// the page that shows the calls.
package openapi

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// note is what the made document begins with.
const note = "# Made of openapi.yaml by `make docs`. Do not change it here.\n"

// Twin is a document of OpenAPI 3.1 as one of 3.0.1 that says the same. What 3.0 cannot
// say is said by less: a value of two types is one of any type. It uses no aliases of
// YAML. The error is a sentence.
func Twin(document []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("the document cannot be read: %w", err)
	}
	plain(&root)
	top := root.Content[0]
	value(top, "openapi").SetString("3.0.1")
	remove(value(value(top, "info"), "license"), "identifier")
	nullable(top)
	out := bytes.NewBufferString(note)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// plain puts what an alias stands for in its place, and takes comments away.
func plain(n *yaml.Node) {
	n.Anchor, n.HeadComment, n.LineComment, n.FootComment = "", "", "", ""
	for i, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			n.Content[i] = copied(child.Alias)
		}
		plain(n.Content[i])
	}
}

// copied is a node with copies of all that is in it.
func copied(n *yaml.Node) *yaml.Node {
	other := *n
	other.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		other.Content[i] = copied(child)
	}
	return &other
}

// value is what an object has under a name, an empty node for nothing.
func value(object *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == name {
			return object.Content[i+1]
		}
	}
	return &yaml.Node{}
}

// remove takes a name out of an object.
func remove(object *yaml.Node, name string) {
	for i := 0; i+1 < len(object.Content); i += 2 {
		if object.Content[i].Value == name {
			object.Content = append(object.Content[:i], object.Content[i+2:]...)
			return
		}
	}
}

// nullable says of each schema with a list of types what 3.0 says in its place.
func nullable(n *yaml.Node) {
	for _, child := range n.Content {
		nullable(child)
	}
	kinds := value(n, "type")
	if n.Kind != yaml.MappingNode || kinds.Kind != yaml.SequenceNode {
		return
	}
	var others []string
	for _, kind := range kinds.Content {
		if kind.Value != "null" {
			others = append(others, kind.Value)
		}
	}
	if len(others) < len(kinds.Content) {
		name, yes := &yaml.Node{}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
		name.SetString("nullable")
		n.Content = append(n.Content, name, yes)
	}
	if len(others) == 1 {
		kinds.SetString(others[0])
		kinds.Content = nil
		return
	}
	remove(n, "type")
}
