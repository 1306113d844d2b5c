// Package stream does on one machine what Lambda's DynamoDB event source mapping does: it
// reads a table's stream, filters its records, and hands them to a function in batches,
// in order for each item, until they are done.
package stream

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Pattern is one filter of an event source mapping: an event matches when every field of
// the pattern does. A field is a list of alternatives, exact values or {"prefix": "..."}.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
type Pattern struct {
	fields map[string]Pattern
	anyOf  []alternative // set for a leaf
}

type alternative struct {
	value    any // string, float64, bool or nil
	prefix   string
	isPrefix bool
}

// ParsePattern reads a filter's Pattern. Operators other than prefix are refused, not
// ignored.
func ParsePattern(text string) (Pattern, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return Pattern{}, fmt.Errorf("filter pattern %s: %w", text, err)
	}
	p, err := newPattern(v)
	if err != nil {
		return Pattern{}, fmt.Errorf("filter pattern %s: %w", text, err)
	}
	return p, nil
}

func newPattern(v any) (Pattern, error) {
	switch v := v.(type) {
	case map[string]any:
		p := Pattern{fields: map[string]Pattern{}}
		for name, value := range v {
			field, err := newPattern(value)
			if err != nil {
				return Pattern{}, err
			}
			p.fields[name] = field
		}
		return p, nil
	case []any:
		p := Pattern{anyOf: []alternative{}}
		for _, item := range v {
			operator, isOperator := item.(map[string]any)
			prefix, isPrefix := operator["prefix"].(string)
			if isOperator && (!isPrefix || len(operator) != 1) {
				return Pattern{}, fmt.Errorf("the local stack knows exact values and prefix, not %v", item)
			}
			p.anyOf = append(p.anyOf, alternative{value: item, prefix: prefix, isPrefix: isPrefix})
		}
		return p, nil
	}
	return Pattern{}, fmt.Errorf("a value must be in a list, not %v", v)
}

// matches tells whether event, decoded JSON, has what the pattern asks for.
func (p Pattern) matches(event any) bool {
	if p.fields != nil {
		m, ok := event.(map[string]any)
		if !ok {
			return false
		}
		for name, field := range p.fields {
			if value, there := m[name]; !there || !field.matches(value) {
				return false
			}
		}
		return true
	}
	if list, ok := event.([]any); ok { // a list matches when one of its members does
		for _, member := range list {
			if p.matches(member) {
				return true
			}
		}
		return false
	}
	for _, a := range p.anyOf {
		text, isText := event.(string)
		if a.isPrefix && isText && strings.HasPrefix(text, a.prefix) {
			return true
		}
		if _, isObject := event.(map[string]any); !a.isPrefix && !isObject && a.value == event {
			return true
		}
	}
	return false
}
