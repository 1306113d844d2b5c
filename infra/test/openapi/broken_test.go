package openapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"customercare/infra/testkit/spec"
)

// verdict is what the document says of a request.
type verdict int

const (
	fits verdict = iota
	breaks
	unsaid // nothing
)

// change does one thing to a valid request, and says what the document has about it.
// false: this request has nothing of the kind.
type change struct {
	name string
	do   func(*rapid.T, *request) (verdict, bool)
}

var changes = []change{
	{"nothing", func(*rapid.T, *request) (verdict, bool) { return fits, true }},
	{"a property less", func(t *rapid.T, r *request) (verdict, bool) {
		return inBody(t, r, func(p place) (any, bool) { return nil, p.name != "" })
	}},
	{"another type", func(t *rapid.T, r *request) (verdict, bool) {
		if r.media != "application/json" {
			return unsaid, false // the others have texts only
		}
		return inBody(t, r, func(p place) (any, bool) {
			return rapid.SampledFrom([]any{
				true, 7, 1.5, "text", []any{}, []any{"x"}, []any{nil}, map[string]any{}, map[string]any{"x": 1},
			}).Draw(t, "of another type"), true
		})
	}},
	{"beyond a bound", func(t *rapid.T, r *request) (verdict, bool) {
		return inBody(t, r, func(p place) (any, bool) { return beyond(t, p.schema) })
	}},
	{"more than is known", func(t *rapid.T, r *request) (verdict, bool) {
		r.query = append(r.query, rapid.SampledFrom([]string{"x=1", "x", "=", "x=1&x=2", "%F0%9F%98%80=%20"}).Draw(t, "query"))
		r.headers = append(r.headers, "X-Unknown: "+rapid.StringMatching("[!-~]{1,9}").Draw(t, "header"))
		if form, is := r.body.(map[string]any); is {
			form["unknown"] = "1.6"
		}
		return fits, true
	}},
	{"another media type", func(t *rapid.T, r *request) (verdict, bool) {
		if r.media == "" {
			return unsaid, false
		}
		text := r.sent().Body
		r.raw, r.media = &text, rapid.SampledFrom([]string{
			"text/plain", "application/pdf", "application/x-yaml", "text/xml; charset=utf-16", "application/json-patch+json",
		}).Draw(t, "media")
		return breaks, true
	}},
	{"another method", func(t *rapid.T, r *request) (verdict, bool) {
		r.method = rapid.SampledFrom(slices.DeleteFunc(slices.Clone(allMethods), func(method string) bool {
			return offered[method+" "+r.op.Path]
		})).Draw(t, "method")
		return breaks, true
	}},
	{"an odd path", func(t *rapid.T, r *request) (verdict, bool) {
		r.path = odd(t, r.path)
		return unsaid, true
	}},
	{"an odd part of the path", func(t *rapid.T, r *request) (verdict, bool) {
		before, after, is := strings.Cut(r.op.Path, "{")
		_, after, _ = strings.Cut(after, "}")
		r.path = before + rapid.SampledFrom([]string{
			"%zz", "%", "%2", "%ff", "%00", "%0a", "%c3%28", "%ed%a0%80", "a%7F", strings.Repeat("x", 257), strings.Repeat("%F0%9F%98%80", 65),
		}).Draw(t, "part") + after
		return breaks, is
	}},
	{"a parameter out of bounds", func(t *rapid.T, r *request) (verdict, bool) {
		var with []spec.Parameter
		for _, p := range r.op.Parameters {
			if p.In != "path" && (p.Schema.Keyword("enum") != nil || p.Schema.Keyword("maximum") != nil) {
				with = append(with, p)
			}
		}
		if len(with) == 0 {
			return unsaid, false
		}
		p := rapid.SampledFrom(with).Draw(t, "parameter")
		value := rapid.SampledFrom([]string{"yes", "0", "-1", "3601", "1.5", "9999999999999999999999", "1e1", "+5"}).Draw(t, "value")
		if p.In == "query" {
			r.query = append(without(r.query, p.Name+"="), p.Name+"="+strings.ReplaceAll(value, "+", "%2B"))
		} else {
			r.headers = append(without(r.headers, p.Name+":"), p.Name+": "+value)
		}
		return breaks, true
	}},
	{"a parameter twice", func(t *rapid.T, r *request) (verdict, bool) {
		for _, p := range r.op.Parameters {
			if p.In == "query" && (p.Schema.Keyword("enum") != nil || p.Schema.Keyword("maximum") != nil) {
				values := []string{"true", "false"}
				if p.Schema.Keyword("enum") == nil {
					values = []string{"5", "6"}
				}
				r.query = append(without(r.query, p.Name+"="), p.Name+"="+values[0], p.Name+"="+values[1])
				return breaks, true
			}
		}
		return unsaid, false
	}},
	{"no body that can be read", func(t *rapid.T, r *request) (verdict, bool) {
		if r.media == "" {
			return unsaid, false
		}
		whole := r.sent().Body
		text := rapid.SampledFrom([]string{"", " ", "{", "[]", "null", whole[:len(whole)-1] + "\xff", whole + whole, "\xff\xfe" + whole, "\x00"}).Draw(t, "body")
		if r.media == "application/x-www-form-urlencoded" || r.media == "multipart/form-data" {
			text = rapid.SampledFrom([]string{"", " ", "%zz=%", "\xff\xfe", "type=customer_delete"}).Draw(t, "form")
		}
		r.raw = &text
		return breaks, true
	}},
	{"no type that can be answered", func(t *rapid.T, r *request) (verdict, bool) {
		r.headers = append(without(r.headers, "Accept:"), "Accept: "+rapid.SampledFrom([]string{"image/png", "text/html;q=1, */*;q=0"}).Draw(t, "type"))
		return unsaid, true
	}},
}

// inWords are properties of which only words can say when they are needed and what is
// right: where the key is in no header, where the caller is no app.
var inWords = []string{"user_password", "user_api_key", "tenantId"}

// offered are the document's routes.
var offered = map[string]bool{}

func without(all []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return strings.HasPrefix(one, prefix) })
}

// odd is a path with something that no client should make of it.
func odd(t *rapid.T, path string) string {
	at := strings.LastIndex(path, "/")
	return rapid.SampledFrom([]string{
		path + "/", path + "//", "/" + path, path[:at] + "/." + path[at:], path[:at] + "/.." + path[at:], path + ";x=1",
		path + "%2F", path + "%20", path + "%", strings.ToUpper(path), path + "#x", path + "?", path + "\\", path + "é",
	}).Draw(t, "path")
}

// place is a value in a body.
type place struct {
	schema spec.Schema
	name   string // "" where it is no property
	set    func(any)
	drop   func()
}

// places are all values in a body but the body itself.
func places(s spec.Schema, body any) (all []place) {
	switch body := body.(type) {
	case map[string]any:
		for _, name := range s.Properties() {
			property, _ := s.Property(name)
			if value, is := body[name]; is {
				all = append(all, place{property, name, func(v any) { body[name] = v }, func() { delete(body, name) }})
				all = append(all, places(property, value)...)
			}
		}
	case []any:
		for i := range body {
			all = append(all, place{s.Items(), "", func(v any) { body[i] = v }, nil})
			all = append(all, places(s.Items(), body[i])...)
		}
	}
	return all
}

// inBody changes one value of the body, takes it away for nil, and asks the document what
// it says of what there is then. What is null in JSON, or empty in XML, is as good as
// not there.
func inBody(t *rapid.T, r *request, change func(place) (any, bool)) (verdict, bool) {
	if r.media == "" {
		return unsaid, false
	}
	schema := r.op.Bodies[r.media]
	all := places(schema, r.body)
	if len(all) == 0 {
		return unsaid, false
	}
	p := rapid.SampledFrom(all).Draw(t, "place")
	if slices.Contains(inWords, p.name) {
		return unsaid, false
	}
	value, is := change(p)
	if !is {
		return unsaid, false
	}
	absent := value == nil || value == "" && r.media == "application/xml"
	if absent {
		p.drop()
	} else {
		p.set(value)
	}
	says := fits
	if schema.Validate(r.body) != nil {
		says = breaks
	}
	if absent && r.media != "application/x-www-form-urlencoded" && r.media != "multipart/form-data" && rapid.Bool().Draw(t, "null") {
		p.set(value)
	}
	return says, true
}

// beyond is a value of a schema's type that does not fit it by one, or by its form.
func beyond(t *rapid.T, s spec.Schema) (any, bool) {
	switch s.Keyword("type") {
	case "string":
		texts := []string{}
		if most, is := number(s, "maxLength"); is {
			texts = append(texts, strings.Repeat("x", most+1), strings.Repeat("x", most))
		}
		if _, is := number(s, "minLength"); is {
			texts = append(texts, "")
		}
		if s.Keyword("enum") != nil || s.Keyword("pattern") != nil {
			texts = append(texts, "none of them\x01", "-\x00")
		}
		if s.Keyword("format") != nil {
			texts = append(texts, "tomorrow", "2030-13-15T01:29:29Z", "2030-10-15", "2030-10-15T01:29:29", "2030-02-30T01:29:29Z", "")
		}
		if len(texts) == 0 {
			return nil, false
		}
		return rapid.SampledFrom(texts).Draw(t, "text"), true
	case "integer":
		return rapid.SampledFrom([]any{0, -1, 1.5, json.Number("1e400"), json.Number("99999999999999999999"), 4}).Draw(t, "number"), true
	case "array":
		most, _ := number(s, "maxItems")
		items := []any{}
		if rapid.Bool().Draw(t, "many") {
			for i := range most + 1 {
				items = append(items, fmt.Sprint(i))
			}
		}
		return items, true
	}
	return nil, false
}
