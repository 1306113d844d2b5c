package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"customercare/infra/client"
	"customercare/infra/testkit/spec"
)

// request is a call of an operation while it is made.
type request struct {
	op      spec.Operation
	method  string
	path    string // escaped
	query   []string
	headers []string
	media   string // of the body, "" for none
	body    any    // as JSON; a form is an object of strings
	raw     *string
}

// known are values that no schema can tell: the callers of infra/demo, and what an
// answer gives.
func (w world) known() map[string]string {
	return map[string]string{
		"X-APP-Key": appKey, "app_key": appKey, "app_secret": appSecret, "before": "0",
		"user_id": userName, "user_password": userKey, "user_api_key": userKey, "subject": erasedNumber,
	}
}

// valid draws a request that fits the document.
func (w world) valid(t *rapid.T, op spec.Operation) request {
	r := request{op: op, method: op.Method, path: op.Path}
	for _, p := range op.Parameters {
		switch value := w.parameter(t, p, op.Path); {
		case p.In == "path":
			r.path = strings.Replace(r.path, "{"+p.Name+"}", escaped(t, value), 1)
		case !rapid.Bool().Draw(t, "with "+p.Name):
		case p.In == "query":
			r.query = append(r.query, p.Name+"="+url.QueryEscape(value))
		default:
			r.headers = append(r.headers, p.Name+": "+value)
		}
	}
	if strings.HasPrefix(op.ID, "deleteCustomerInfo") { // one of the three must be true
		for _, p := range op.Parameters[1:2] {
			r.query = append(slices.DeleteFunc(r.query, func(q string) bool { return strings.HasPrefix(q, p.Name) }), p.Name+"=true")
		}
	}
	if accept := rapid.SampledFrom([]string{"", "*/*", "application/json, text/plain, */*;q=0.1"}).Draw(t, "accept"); accept != "" {
		r.headers = append(r.headers, "Accept: "+accept)
	}
	if op.Bodies != nil {
		r.media = rapid.SampledFrom(names(op.Bodies)).Draw(t, "media")
		r.body = w.value(t, op.Bodies[r.media], "")
		if examples := op.Examples[r.media]; examples != nil && rapid.IntRange(0, 2).Draw(t, "an example") == 0 {
			r.body = copied(rapid.SampledFrom(examples).Draw(t, "example"))
			for _, p := range places(op.Bodies[r.media], r.body) {
				if p.schema.Keyword("format") == "date-time" { // the example's may be too far off
					p.set(str(t, p.schema, p.name))
				}
			}
		}
	}
	if len(op.Callers) > 0 {
		w.let(&r, rapid.SampledFrom(op.Callers).Draw(t, "caller"))
	}
	return r
}

// names are the keys of a map, in the same order each time.
func names[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }

// let puts the credentials of a security scheme into the request.
func (w world) let(r *request, scheme string) {
	form, _ := r.body.(map[string]any)
	if numbers, is := form["numbers"].(map[string]any); is && scheme != "app" && numbers["tenantId"] == nil {
		numbers["tenantId"] = "demo" // only an app has a tenant of its own
	}
	switch scheme {
	case "operator":
		r.headers = append(r.headers, client.Basic(operatorName, operatorPassword))
	case "apiUser":
		r.headers = append(r.headers, client.Basic(userName, userKey))
	case "app":
		r.headers = append(r.headers, "Authorization: Bearer "+w.token)
	case "apiUserKey":
		r.headers = append(r.headers, "api_access_key: "+userKey)
	case "":
		if form != nil {
			form["user_password"] = userKey
		}
	}
}

// parameter draws a value of a parameter.
func (w world) parameter(t *rapid.T, p spec.Parameter, path string) string {
	if value := w.known()[p.Name]; value != "" {
		return value
	}
	pool := []string{p.Example}
	if p.Name == "id" && strings.HasPrefix(path, "/erasures/") {
		pool = append(pool, w.erasure, w.erasure)
	}
	if p.In == "path" && rapid.IntRange(0, 3).Draw(t, "of the example") > 0 {
		return rapid.SampledFrom(pool).Draw(t, p.Name)
	}
	if p.In == "header" && p.Schema.Keyword("type") == "string" { // what a client lets through
		return strings.TrimSpace(rapid.StringMatching(`[!-~][ -~]{0,40}`).Draw(t, p.Name))
	}
	return fmt.Sprint(w.value(t, p.Schema, p.Name))
}

// value draws one that fits a schema.
func (w world) value(t *rapid.T, s spec.Schema, name string) any {
	if value := w.known()[name]; value != "" {
		return value
	}
	return rapid.Custom(func(t *rapid.T) any {
		switch s.Keyword("type") {
		case "object":
			return w.object(t, s)
		case "array":
			least, _ := number(s, "minItems")
			list := []any{}
			for range rapid.IntRange(least, least+3).Draw(t, "items") {
				list = append(list, w.value(t, s.Items(), ""))
			}
			return list
		case "integer":
			if values, is := s.Keyword("enum").([]any); is {
				n, _ := values[rapid.IntRange(0, len(values)-1).Draw(t, name)].(json.Number).Int64()
				return n
			}
			least, _ := number(s, "minimum")
			most, is := number(s, "maximum")
			if !is {
				most = least + 1<<20
			}
			return int64(rapid.IntRange(least, most).Draw(t, name))
		}
		return str(t, s, name)
	}).Filter(func(value any) bool { return s.Validate(value) == nil && described(s, value) }).Draw(t, "value of "+name)
}

// object draws one with everything that is required, some of the others, and now and
// then a property that nobody knows.
func (w world) object(t *rapid.T, s spec.Schema) map[string]any {
	object, required := map[string]any{}, list(s.Keyword("required"))
	for _, name := range s.Properties() {
		if slices.Contains(required, name) || rapid.Bool().Draw(t, "with "+name) {
			property, _ := s.Property(name)
			object[name] = w.value(t, property, name)
		}
	}
	if rapid.IntRange(0, 7).Draw(t, "more") == 0 {
		object["unknown_to_all"] = rapid.StringMatching("[a-z]{0,5}").Draw(t, "unknown")
	}
	return object
}

// str draws a text that fits a schema.
func str(t *rapid.T, s spec.Schema, name string) string {
	if values := list(s.Keyword("enum")); values != nil {
		return rapid.SampledFrom(values).Draw(t, name)
	}
	if s.Keyword("format") == "date-time" { // one that is to come
		ahead := time.Duration(rapid.IntRange(1, 365*24-1).Draw(t, name)) * time.Hour
		form := rapid.SampledFrom([]string{time.RFC3339, "2006-01-02T15:04:05.000Z", time.RFC3339Nano}).Draw(t, "form")
		return time.Now().UTC().Add(ahead).Format(form)
	}
	least, _ := number(s, "minLength")
	most, is := number(s, "maxLength")
	if !is {
		most = 64
	}
	if pattern, is := s.Keyword("pattern").(string); is && rapid.Bool().Draw(t, "by the pattern") {
		return rapid.StringMatching(pattern).Draw(t, name)
	}
	return rapid.StringN(least, min(most, least+20), most).Draw(t, name)
}

// described says whether a text is as its schema's description wants it, where that says
// more than a schema can: bytes count in this API, not characters, and the controls
// behind ASCII and the two that are no characters belong to those that are not taken.
func described(s spec.Schema, value any) bool {
	text, is := value.(string)
	most, bound := number(s, "maxLength")
	return !is || (!bound || len(text) <= most) && !strings.ContainsFunc(text, func(r rune) bool {
		return r > 0x7F && unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF
	})
}

func number(s spec.Schema, keyword string) (int, bool) {
	n, is := s.Keyword(keyword).(json.Number)
	if !is {
		return 0, false
	}
	value, _ := n.Int64()
	return int(value), true
}

func list(of any) (texts []string) {
	all, _ := of.([]any)
	for _, one := range all {
		text, _ := one.(string)
		texts = append(texts, text)
	}
	return texts
}

// escaped is a part of a path, as some clients escape it and as others do.
func escaped(t *rapid.T, part string) string {
	if rapid.IntRange(0, 3).Draw(t, "escape all") > 0 {
		return url.PathEscape(part)
	}
	var text strings.Builder
	for _, b := range []byte(part) {
		fmt.Fprintf(&text, "%%%02x", b)
	}
	return text.String()
}

// sent is the request as it goes out.
func (r request) sent() client.Request {
	out := client.Request{Method: r.method, Path: r.path, Headers: slices.Clone(r.headers)}
	if r.query != nil {
		out.Path += "?" + strings.Join(r.query, "&")
	}
	if r.media == "" {
		return out
	}
	header := r.media
	form, _ := r.body.(map[string]any)
	switch r.media {
	case "application/xml":
		out.Body = inXML("TempAllowRequest", form)
	case "application/x-www-form-urlencoded":
		values := url.Values{}
		for name, value := range form {
			values.Set(name, fmt.Sprint(value))
		}
		out.Body = values.Encode()
	case "multipart/form-data":
		var body bytes.Buffer
		parts := multipart.NewWriter(&body)
		for _, name := range names(form) {
			_ = parts.WriteField(name, fmt.Sprint(form[name])) // into memory: it cannot fail
		}
		_ = parts.Close()
		out.Body, header = body.String(), parts.FormDataContentType()
	default:
		text, _ := json.Marshal(r.body) // of values that JSON has
		out.Body = string(text)
	}
	if r.raw != nil {
		out.Body = *r.raw
	}
	out.Headers = append(out.Headers, "Content-Type: "+header)
	return out
}

// copied is a value of JSON that can be changed.
func copied(value any) (other any) {
	text, _ := json.Marshal(value) // it was read from JSON
	_ = json.Unmarshal(text, &other)
	return other
}

// inXML is an object of texts and numbers as an element.
func inXML(name string, object map[string]any) string {
	var text bytes.Buffer
	for _, name := range names(object) {
		if object[name] == nil {
			object[name] = ""
		}
		fmt.Fprintf(&text, "<%s>%s</%s>", name, escapeXML(fmt.Sprint(object[name])), name)
	}
	return "<" + name + ">" + text.String() + "</" + name + ">"
}

var escapeXML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

var allMethods = []string{
	http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodHead,
}
