package template

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// properties is a resolved mapping of the template. Missing values read as zero.
type properties map[string]any

// merge lays a resource's properties over the Globals of its kind as SAM does: scalars
// replace, mappings merge, lists are appended.
func merge(global, own map[string]any) properties {
	merged := properties{}
	maps.Copy(merged, global)
	for name, value := range own {
		switch v := value.(type) {
		case map[string]any:
			if before, ok := merged[name].(map[string]any); ok {
				value = map[string]any(merge(before, v))
			}
		case []any:
			if before, ok := merged[name].([]any); ok {
				value = append(slices.Clone(before), v...)
			}
		}
		merged[name] = value
	}
	return merged
}

func (p properties) text(name string) string {
	if v, ok := p[name]; ok && v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

func (p properties) under(name string) properties {
	m, _ := p[name].(map[string]any)
	return m
}

func (p properties) list(name string) []any {
	l, _ := p[name].([]any)
	return l
}

func (p properties) texts(name string) []string {
	var s []string
	for _, v := range p.list(name) {
		s = append(s, fmt.Sprint(v))
	}
	return s
}

// mappings gives a list's mappings; a member that is none has no values.
func (p properties) mappings(name string) []properties {
	var all []properties
	for _, item := range p.list(name) {
		m, _ := item.(map[string]any)
		all = append(all, m)
	}
	return all
}

// number gives a whole number, or otherwise when it is missing.
func (p properties) number(name string, otherwise int) (int, error) {
	text := p.text(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no whole number", name, text)
	}
	return n, nil
}

// strings gives a mapping's values as text.
func (p properties) strings() map[string]string {
	m := make(map[string]string, len(p))
	for name := range p {
		m[name] = p.text(name)
	}
	return m
}
