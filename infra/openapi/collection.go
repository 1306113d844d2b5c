package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// collectionSchema is the format of Postman's collections, which other programs import,
// too: Bruno, Insomnia, Hoppscotch.
const collectionSchema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

// variables of the collection, with the demo data's values. The last two are filled in by
// answers, or by hand.
var variables = []pair{
	{"baseUrl", "http://127.0.0.1:3000"},
	{"operator", "csr"}, {"operatorPassword", "csr-demo-password"},
	{"apiUser", "john1970"}, {"apiKey", "1959caadac9b13dcb3"},
	{"appKey", "demo-app-key"}, {"appSecret", "demo-app-secret"},
	{"token", ""}, {"erasure", ""},
}

// filled are the properties and parameters of the document that a variable stands for.
var filled = map[string]string{
	"user_id": "apiUser", "user_password": "apiKey", "app_key": "appKey", "app_secret": "appSecret",
	"X-APP-Key": "appKey", "/erasures/{id}": "erasure", // the last is the id in such a path
}

// credentials are what a request of a security scheme of the document is sent with. An
// API user's key is in the form.
var credentials = map[string]any{
	"operator": map[string]any{"type": "basic", "basic": []pair{{"username", "{{operator}}"}, {"password", "{{operatorPassword}}"}}},
	"app":      map[string]any{"type": "bearer", "bearer": []pair{{"token", "{{token}}"}}},
}

// kept are what a script keeps of the answer to an operation for those that come later.
var kept = map[string]string{
	"tokenByAkSk":    `pm.collectionVariables.set("token", pm.response.json().AccessToken);`,
	"deleteCustomer": `pm.collectionVariables.set("erasure", (pm.response.headers.get("Link") || "").replace(/.*\/erasures\/(.*)>.*/, "$1"));`,
}

// pair is a name and a value as Postman writes them.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// parameter is a pair of a request that may be left out.
type parameter struct {
	pair
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// item is one request of a collection, or a folder of them.
type item struct {
	Name    string   `json:"name"`
	Event   []event  `json:"event,omitempty"`
	Request *request `json:"request,omitempty"`
	Items   []item   `json:"item,omitempty"`
	first   bool     // it needs no credential, and others may need its answer
}

type event struct {
	Listen string `json:"listen"`
	Script script `json:"script"`
}

type script struct {
	Type string   `json:"type"`
	Exec []string `json:"exec"`
}

type request struct {
	Method      string      `json:"method"`
	Description string      `json:"description,omitempty"`
	Auth        any         `json:"auth"`
	Header      []parameter `json:"header"`
	Body        any         `json:"body,omitempty"`
	URL         address     `json:"url"`
}

type address struct {
	Raw      string      `json:"raw"`
	Host     []string    `json:"host"`
	Path     []string    `json:"path"`
	Query    []parameter `json:"query,omitempty"`
	Variable []parameter `json:"variable,omitempty"`
}

// Collection is the document as a collection of Postman 2.1: a folder for each tag, a
// request for each operation, with the first example of its body. A parameter without an
// example is there and switched off. The error is a sentence.
func Collection(document []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("the document cannot be read: %w", err)
	}
	plain(&root)
	c := collector{root.Content[0]}
	var folders []item
	for _, tag := range value(c.root, "tags").Content {
		folder := item{Name: value(tag, "name").Value}
		paths := value(c.root, "paths").Content
		for i := 0; i+1 < len(paths); i += 2 {
			path, shared := paths[i].Value, value(paths[i+1], "parameters").Content
			for j := 0; j+1 < len(paths[i+1].Content); j += 2 {
				method, of := paths[i+1].Content[j].Value, paths[i+1].Content[j+1]
				if of.Kind != yaml.MappingNode || value(of, "tags").Content[0].Value != folder.Name {
					continue
				}
				made, err := c.item(strings.ToUpper(method), path, of, slices.Concat(shared, value(of, "parameters").Content))
				if err != nil {
					return nil, err
				}
				folder.Items = append(folder.Items, made)
			}
		}
		slices.SortStableFunc(folder.Items, func(a, b item) int {
			if a.first == b.first {
				return 0
			}
			return map[bool]int{true: -1, false: 1}[a.first]
		})
		folders = append(folders, folder)
	}
	return written(map[string]any{
		"info": map[string]string{
			"name": value(value(c.root, "info"), "title").Value, "schema": collectionSchema,
			"description": "Made of docs/openapi.yaml by `make docs`. Its variables say where the API is and who calls.",
		},
		"item": folders, "variable": variables,
	})
}

// collector makes requests of a document.
type collector struct{ root *yaml.Node }

// item is the request of an operation.
func (c collector) item(method, path string, of *yaml.Node, parameters []*yaml.Node) (item, error) {
	name, security := value(of, "operationId").Value, value(of, "security")
	made := item{Name: value(of, "summary").Value, first: security.Kind != 0 && len(security.Content) == 0}
	if text := kept[name]; text != "" {
		made.Event = []event{{"test", script{"text/javascript", []string{text}}}}
	}
	r := &request{
		Method: method, Description: strings.TrimSpace(value(of, "description").Value),
		Header: []parameter{}, Auth: map[string]string{"type": "noauth"},
	}
	if all := security.Content; len(all) > 0 && credentials[all[0].Content[0].Value] != nil {
		r.Auth = credentials[all[0].Content[0].Value]
	}
	if body := value(of, "requestBody"); body.Kind != 0 {
		media := value(body, "content").Content
		if err := r.carry(media[0].Value, example(c.follow(media[1]))); err != nil {
			return item{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	as := strings.NewReplacer("{", ":", "}", "").Replace(path) // Postman writes /erasures/:id
	r.URL = address{
		Raw: "{{baseUrl}}" + as, Host: []string{"{{baseUrl}}"}, Path: strings.Split(strings.TrimPrefix(as, "/"), "/"),
	}
	var query []string
	for _, p := range parameters {
		p = c.follow(p)
		one := parameter{pair{value(p, "name").Value, example(p).Value}, value(p, "description").Value, example(p).Kind == 0}
		if filled[one.Key] != "" {
			one.Value, one.Disabled = variable(one.Key, ""), false
		}
		switch value(p, "in").Value {
		case "header":
			r.Header = append(r.Header, one)
		case "query":
			r.URL.Query = append(r.URL.Query, one)
			if !one.Disabled {
				query = append(query, one.Key+"="+one.Value)
			}
		case "path":
			one.Value = variable(strings.SplitAfter(path, "}")[0], one.Value)
			r.URL.Variable = append(r.URL.Variable, one)
		}
	}
	if len(query) > 0 {
		r.URL.Raw += "?" + strings.Join(query, "&")
	}
	made.Request = r
	return made, nil
}

// carry gives the request a body: a form's fields, or a text.
func (r *request) carry(media string, value *yaml.Node) error {
	if value.Kind != yaml.MappingNode {
		return fmt.Errorf("the body in %s has no example", media)
	}
	if media == "application/x-www-form-urlencoded" {
		var fields []pair
		for i := 0; i+1 < len(value.Content); i += 2 {
			fields = append(fields, pair{value.Content[i].Value, variable(value.Content[i].Value, value.Content[i+1].Value)})
		}
		r.Body = map[string]any{"mode": "urlencoded", "urlencoded": fields}
		return nil
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		if v := value.Content[i+1]; v.Kind == yaml.ScalarNode {
			v.Value = variable(value.Content[i].Value, v.Value)
		}
	}
	var body any
	if err := value.Decode(&body); err != nil {
		return err
	}
	text, err := written(body)
	if err != nil {
		return err
	}
	r.Header = append(r.Header, parameter{pair: pair{"Content-Type", media}})
	r.Body = map[string]any{
		"mode": "raw", "raw": strings.TrimSpace(string(text)), "options": map[string]any{"raw": map[string]string{"language": "json"}},
	}
	return nil
}

// variable is what stands in a request for a property: a variable of the collection, or
// the example.
func variable(name, example string) string {
	if v := filled[name]; v != "" {
		return "{{" + v + "}}"
	}
	return example
}

// follow is what a reference leads to, or the node itself.
func (c collector) follow(n *yaml.Node) *yaml.Node {
	for {
		reference := value(n, "$ref").Value
		if reference == "" {
			return n
		}
		n = c.root
		for name := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
			n = value(n, name)
		}
	}
}

// example is the first example of a body or a parameter, an empty node for none.
func example(of *yaml.Node) *yaml.Node {
	if one := value(of, "example"); one.Kind != 0 {
		return one
	}
	if all := value(of, "examples").Content; len(all) > 1 {
		return value(all[1], "value")
	}
	return &yaml.Node{}
}

// written is a value as JSON that people can read.
func written(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return out.Bytes(), err
}
