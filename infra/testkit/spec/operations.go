package spec

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Operation is one of the document's, as a client would be made of it.
type Operation struct {
	ID, Method, Path string
	Parameters       []Parameter       // of the path, the query and the headers
	Bodies           map[string]Schema // by media type; nil: it takes no body
	Examples         map[string][]any  // of bodies, by media type
	Callers          []string          // names of security schemes, "" for none of them
}

// Parameter is one of an operation's.
type Parameter struct {
	Name, In string
	Schema   Schema
	Example  string // the document's own, "" for none
}

// Schema is one of the document's.
type Schema struct {
	document *Document
	place    []string
}

// Operations are the document's, in the order of their routes.
func (d *Document) Operations() (all []Operation) {
	for _, route := range d.Routes() {
		method, path, _ := strings.Cut(route, " ")
		item := []string{"paths", path}
		place := append(slices.Clone(item), strings.ToLower(method))
		o := Operation{Method: method, Path: path}
		o.ID, _ = d.object(place...)["operationId"].(string)
		o.Parameters = append(d.parameters(item), d.parameters(place)...)
		content := append(d.follow(append(slices.Clone(place), "requestBody")), "content")
		for media := range d.object(content...) {
			if o.Bodies == nil {
				o.Bodies, o.Examples = map[string]Schema{}, map[string][]any{}
			}
			o.Bodies[media] = Schema{d, append(slices.Clone(content), media, "schema")}
			o.Examples[media] = d.examples(append(slices.Clone(content), media))
		}
		security, _ := d.object(place...)["security"].([]any)
		for _, alternative := range security {
			schemes := slices.Collect(maps.Keys(alternative.(map[string]any)))
			o.Callers = append(o.Callers, strings.Join(schemes, ""))
		}
		all = append(all, o)
	}
	return all
}

// examples are those of a body at a place.
func (d *Document) examples(place []string) (all []any) {
	if one := d.object(place...)["example"]; one != nil {
		all = append(all, one)
	}
	named := d.object(append(slices.Clone(place), "examples")...)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		all = append(all, named[name].(map[string]any)["value"])
	}
	return all
}

// parameters are those that an object at a place lists.
func (d *Document) parameters(place []string) (all []Parameter) {
	list, _ := d.object(place...)["parameters"].([]any)
	for i := range list {
		at := d.follow(append(slices.Clone(place), "parameters", strconv.Itoa(i)))
		p := Parameter{Schema: Schema{d, append(slices.Clone(at), "schema")}}
		p.Name, _ = d.object(at...)["name"].(string)
		p.In, _ = d.object(at...)["in"].(string)
		p.Example, _ = d.object(at...)["example"].(string)
		all = append(all, p)
	}
	return all
}

// Keyword is what the schema, or the one that it refers to, says under a name.
func (s Schema) Keyword(name string) any {
	return s.document.object(s.document.follow(s.place)...)[name]
}

// Property is the schema of a property, and whether there is one.
func (s Schema) Property(name string) (Schema, bool) {
	at := Schema{s.document, append(slices.Clone(s.document.follow(s.place)), "properties", name)}
	return at, s.document.object(at.place...) != nil
}

// Properties are their names.
func (s Schema) Properties() []string {
	all, _ := s.Keyword("properties").(map[string]any)
	return slices.Sorted(maps.Keys(all))
}

// Items is the schema of a list's items.
func (s Schema) Items() Schema {
	return Schema{s.document, append(slices.Clone(s.document.follow(s.place)), "items")}
}

// Validate says what of a value does not fit the schema. The value is one of JSON, as
// encoding/json reads it into an any.
func (s Schema) Validate(value any) error {
	compiled, err := s.document.compile(s.document.follow(s.place))
	if err != nil {
		return err
	}
	written, err := json.Marshal(value)
	if err != nil {
		return err
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(written))
	if err != nil {
		return err
	}
	return compiled.Validate(plain)
}
