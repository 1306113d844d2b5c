// Package spec holds answers against docs/openapi.yaml: the document must know the route,
// the status, the headers, the media type and the body of each.
package spec

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// Document is docs/openapi.yaml. Its methods may be called at the same time.
type Document struct {
	root     map[string]any
	compiler *jsonschema.Compiler

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema // by the pointer to them
}

// Read reads a document.
func Read(file string) (*Document, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var root map[string]any
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	// JSON has fewer types than YAML, and the compiler knows those of JSON.
	text, err = json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d := &Document{root: plain.(map[string]any), compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(address, plain)
}

// address is what the document calls itself to the compiler.
const address = "file:///openapi.json"

// Routes are the document's, each as "GET /path".
func (d *Document) Routes() (routes []string) {
	for path, item := range d.object("paths") {
		for method := range item.(map[string]any) {
			if slices.Contains(methods, method) {
				routes = append(routes, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(routes)
	return routes
}

var methods = []string{"get", "put", "post", "delete", "head", "options", "patch"}

// Answer is what came back to a call.
type Answer struct {
	Method, Path string // as they were sent
	Status       int
	Header       http.Header
	Body         string
}

// Check says what of an answer the document does not know; nil: nothing. It knows nothing
// of calls to a path or by a method that is not in it.
func (d *Document) Check(a Answer) error {
	path := d.path(a.Path)
	operation := []string{"paths", path, strings.ToLower(a.Method)}
	if path == "" || d.object(operation...) == nil {
		return nil
	}
	responses := append(operation, "responses")
	status := strconv.Itoa(a.Status)
	if d.object(append(responses, status)...) == nil {
		status = "default"
	}
	response := d.follow(append(responses, status))
	if d.object(response...) == nil {
		return fmt.Errorf("%s %s is answered with %d, which its document does not know", a.Method, path, a.Status)
	}
	if err := d.checkHeaders(response, a.Header); err != nil {
		return fmt.Errorf("%s %s: %d: %w", a.Method, path, a.Status, err)
	}
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%s %s: %d: Content-Type: %w", a.Method, path, a.Status, err)
	}
	schema := append(response, "content", media, "schema")
	if d.object(schema...) == nil {
		return fmt.Errorf("%s %s: %d in %s, which its document does not know", a.Method, path, a.Status, media)
	}
	var body any = a.Body
	switch media {
	case "application/json", "application/problem+json":
		body, err = jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
	case "application/xml":
		body, err = d.readXML(d.follow(schema), a.Body)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %d: %w", a.Method, path, a.Status, err)
	}
	compiled, err := d.compile(schema)
	if err == nil {
		err = compiled.Validate(body)
	}
	if err == nil {
		err = d.declared(schema, body)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %d in %s: %w", a.Method, path, a.Status, media, err)
	}
	return nil
}

// declared says which property of an answer its schema does not name. Whoever writes a
// client of a schema would never see it.
func (d *Document) declared(schema []string, value any) error {
	schema = d.follow(schema)
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			if err := d.declared(append(slices.Clone(schema), "items"), one); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, one := range value {
			at := append(slices.Clone(schema), "properties", name)
			if d.object(at...) == nil {
				at = append(slices.Clone(schema), "additionalProperties")
			}
			if d.object(at...) == nil {
				return fmt.Errorf("the field %s, which its document does not know", name)
			}
			if err := d.declared(at, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// path is the document's path that a call's path is of, "" for none. One without
// parameters comes before one with them.
func (d *Document) path(sent string) string {
	sent, _, _ = strings.Cut(sent, "?")
	found := ""
	for path := range d.object("paths") {
		if path == sent {
			return path
		}
		parts, of := strings.Split(path, "/"), strings.Split(sent, "/")
		same := len(parts) == len(of)
		for i := 0; same && i < len(parts); i++ {
			same = parts[i] == of[i] || strings.HasPrefix(parts[i], "{") && of[i] != ""
		}
		if same {
			found = path
		}
	}
	return found
}

// object is what stands at a place, nil where no object does. In a list a name is an
// index.
func (d *Document) object(place ...string) map[string]any {
	var at any = d.root
	for _, name := range place {
		switch in := at.(type) {
		case map[string]any:
			at = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			at = in[i]
		default:
			return nil
		}
	}
	object, _ := at.(map[string]any)
	return object
}

// follow is the place that a reference at a place leads to, or the place itself.
func (d *Document) follow(place []string) []string {
	for {
		reference, _ := d.object(place...)["$ref"].(string)
		if reference == "" {
			return place
		}
		place = strings.Split(strings.TrimPrefix(reference, "#/"), "/")
	}
}

// compile is the schema at a place.
func (d *Document) compile(place []string) (*jsonschema.Schema, error) {
	pointer := address + "#"
	for _, name := range place {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if schema := d.schemas[pointer]; schema != nil {
		return schema, nil
	}
	schema, err := d.compiler.Compile(pointer)
	d.schemas[pointer] = schema
	return schema, err
}

// readXML is an XML body as the object that its schema describes.
func (d *Document) readXML(schema []string, body string) (any, error) {
	decoder := xml.NewDecoder(strings.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		root, is := token.(xml.StartElement)
		if !is {
			continue
		}
		name, _ := d.object(append(schema, "xml")...)["name"].(string)
		if name != "" && root.Name.Local != name {
			return nil, fmt.Errorf("the root is %s, not %s", root.Name.Local, name)
		}
		value, err := d.readElement(decoder, root, schema)
		if err != nil {
			return nil, err
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("there is something behind the root")
		}
		return value, nil
	}
}

// readElement reads an element to its end. Its attributes and elements are properties;
// those of a list, which is wrapped, are its members.
func (d *Document) readElement(decoder *xml.Decoder, element xml.StartElement, schema []string) (any, error) {
	schema = d.follow(schema)
	object, text := map[string]any{}, ""
	isList, list := d.object(schema...)["type"] == "array", []any{}
	items := d.follow(append(slices.Clone(schema), "items"))
	for _, attribute := range element.Attr {
		object[attribute.Name.Local] = attribute.Value
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if isList {
				if member, _ := d.object(append(slices.Clone(items), "xml")...)["name"].(string); name != member {
					return nil, fmt.Errorf("a member of the list is %s, not %s", name, member)
				}
				member, err := d.readElement(decoder, token, items)
				if err != nil {
					return nil, err
				}
				list = append(list, member)
				continue
			}
			if object[name] != nil {
				return nil, fmt.Errorf("%s is there twice", name)
			}
			at := append(slices.Clone(schema), "properties", name)
			if object[name], err = d.readElement(decoder, token, at); err != nil {
				return nil, err
			}
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			switch d.object(schema...)["type"] {
			case "boolean":
				if text == "true" || text == "false" {
					return text == "true", nil
				}
				return text, nil
			case "string":
				return text, nil
			case "integer":
				if n, err := strconv.Atoi(text); err == nil {
					return n, nil
				}
				return text, nil
			case "array":
				if strings.TrimSpace(text) == "" {
					return list, nil
				}
			}
			if strings.TrimSpace(text) != "" {
				return text, nil
			}
			return object, nil
		}
	}
}
