package template

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// readSections reads YAML and gives the values of its top-level keys, without aliases and
// merge keys: what they stand for is in their place, so nobody else has to know them.
func readSections(raw []byte) (map[string]*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it is no mapping of sections")
	}
	root, err := flatten(document.Content[0], map[*yaml.Node]bool{})
	if err != nil {
		return nil, err
	}
	found := map[string]*yaml.Node{}
	for name, n := range pairs(root) {
		found[name] = n
	}
	return found, nil
}

// flatten gives n with its aliases and merge keys written out. It changes the nodes in
// place, which an alias then shares. inside holds the nodes around n: an alias of one of
// them would never come to an end.
func flatten(n *yaml.Node, inside map[*yaml.Node]bool) (*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if inside[n] {
		return nil, fmt.Errorf("line %d: %s contains itself", n.Line, n.Anchor)
	}
	inside[n] = true
	defer delete(inside, n)
	for i, child := range n.Content {
		flat, err := flatten(child, inside)
		if err != nil {
			return nil, err
		}
		n.Content[i] = flat
	}
	if n.Kind == yaml.MappingNode {
		return n, mergeKeys(n)
	}
	return n, nil
}

// mergeKeys replaces "<<" in a mapping by the pairs of the mapping, or list of mappings,
// that it holds. A key that the mapping has itself wins, then that of the first in the
// list.
// https://yaml.org/type/merge.html
func mergeKeys(n *yaml.Node) error {
	has, merges := map[string]bool{}, false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.ShortTag() == "!!merge" {
			merges = true
			continue
		}
		if has[key.Value] {
			return fmt.Errorf("line %d: %s is there twice", key.Line, key.Value)
		}
		has[key.Value] = true
	}
	if !merges {
		return nil
	}
	var content []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() != "!!merge" {
			content = append(content, key, value)
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range sources {
			if source.Kind != yaml.MappingNode {
				return fmt.Errorf("line %d: << wants a mapping or a list of mappings", key.Line)
			}
			for j := 0; j+1 < len(source.Content); j += 2 {
				if name := source.Content[j].Value; !has[name] {
					has[name] = true
					content = append(content, source.Content[j], source.Content[j+1])
				}
			}
		}
	}
	n.Content = content
	return nil
}
