package main

import (
	"context"
	"strings"
	"testing"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// judged is what leaves says of a request, as the gateway reads it from its event: ""
// where it may be passed on.
func judged(t testing.TB, method string, query map[string][]string, header [][2]string, body string) string {
	t.Helper()
	event := frontdoor.Request{Method: method, Path: "/api.php", Query: query, Header: header, Body: []byte(body)}.Event()
	said, reached := "", false
	endpoint := gateway.Endpoint{
		Operation: operation.DeleteCustomer, Shape: shape, Limit: bodyLimit,
		Handle: func(_ context.Context, call *gateway.Call) (any, error) {
			reached = true
			if err := leaves(call); err != nil {
				said = respond.AsError(err).Sentence
			}
			return deleted("-"), nil
		},
	}
	if _, err := endpoint.Handler()(t.Context(), event); err != nil || !reached {
		t.Fatal(err, reached)
	}
	return said
}

// typed is a Content-Type.
func typed(value string) [][2]string { return [][2]string{{"Content-Type", value}} }

// parted is a multipart form whose boundary is b, of parts that are a header and a value.
func parted(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString("--b\r\n" + part + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

// within is a multipart form with one boundary, in whose last value another form stands.
func within(boundary, other string) string {
	points := disposed + "\"type\"\r\n\r\npoints"
	form := strings.ReplaceAll(parted(disposed+"\"type\"\r\nContent-Type: text/plain\r\n\r\ncustomer_delete"), "--b", "--"+other)
	outer := strings.ReplaceAll(parted(points, disposed+"\"x\"\r\n\r\n\r\nFORM"), "--b", "--"+boundary)
	return strings.Replace(outer, "FORM", form, 1)
}

const (
	disposed = `Content-Disposition: form-data; name=`
	formOfB  = "multipart/form-data; boundary=b"
)

// What clients of the other types send leaves.
func TestLeaves(t *testing.T) {
	for name, body := range map[string]string{
		"one field":         "type=points",
		"among others":      "user_id=john&user_password=k%26y&type=record_activity&card_type=gold&code=47",
		"values of any":     "type=memo&text=%E9%00+%25+%2541;b&a=%ff&%5B%5D=1&tags[]=a&tags[]=b&a[b]=c&=&&x",
		"words about it":    "type=memo&text=customer+deleted+his+app&note=the+type+of+customer&x_type=y",
		"a semicolon":       "type=memo&text=a;b;c=d",
		"an address in it":  "type=memo&return=https%3A%2F%2Fshop.example%2F%3Ftype%3Dpoints%26x%3D1",
		"others said twice": "code=1&code=2&type=customers",
	} {
		for _, contentType := range []string{urlencoded, urlencoded + "; charset=UTF-8", urlencoded + ";charset=iso-8859-1", "Application/X-WWW-Form-Urlencoded"} {
			if said := judged(t, "POST", nil, typed(contentType), body); said != "" {
				t.Errorf("%s, %s: %s", name, contentType, said)
			}
		}
	}
	for name, parts := range map[string][]string{
		"curl":      {disposed + "\"type\"\r\n\r\npoints", disposed + "\"code\"\r\n\r\n47"},
		"a file":    {disposed + "\"photo\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\r\n\x00", disposed + "\"type\"\r\n\r\npoints"},
		"OkHttp":    {disposed + "\"type\"\r\nContent-Transfer-Encoding: binary\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: 6\r\n\r\npoints"},
		".NET":      {"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=type\r\n\r\npoints", disposed + "f; filename=a.txt; filename*=utf-8''a.txt\r\n\r\nx"},
		"HttpUnit":  {disposed + "\"type\"\r\nContent-Type: text/plain; charset=US-ASCII\r\nContent-Transfer-Encoding: 8bit\r\n\r\npoints"},
		"JSON":      {disposed + "\"type\"\r\n\r\npoints", disposed + "\"x\"\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{}"},
		"WebKit's":  {disposed + "\"_charset_\"\r\n\r\nUTF-8", disposed + "\"type\"\r\n\r\npoints"},
		"an empty":  {disposed + "\"type\"\r\n\r\npoints", disposed + "\"x\"\r\n\r\n"},
		"two lines": {disposed + "\"note\"\r\n\r\na\r\nb\nc", disposed + "\"type\"\r\n\r\npoints"},
	} {
		for _, contentType := range []string{formOfB, `multipart/form-data; boundary="b"`, formOfB + "; charset=UTF-8", "multipart/form-data;charset=utf-8;boundary=b"} {
			if said := judged(t, "POST", nil, typed(contentType), parted(parts...)); said != "" {
				t.Errorf("%s, %s: %s", name, contentType, said)
			}
		}
	}
	query := map[string][]string{"type": {"points"}, "text": {"a=b&c;d", "é"}}
	for _, method := range []string{"GET", "POST"} {
		if said := judged(t, method, query, typed("text/html"), ""); said != "" {
			t.Errorf("%s: %s", method, said)
		}
	}
	if said := judged(t, "POST", map[string][]string{"type": {"points"}}, typed(urlencoded), "code=47"); said != "" {
		t.Error(said)
	}
}

// What some reader of forms could read as customer_delete, or as another type than some
// other reader, stays.
func TestStays(t *testing.T) {
	named := func(fields ...string) string { return urlencoded + " " + strings.Join(fields, "&") }
	for _, row := range []string{
		// The type in another case, decorated, twice, as a list.
		named("Type=points"), named("TYPE=points"), named("type=points", "Type=points"), named("type=points", "type=points"),
		named("type=points", "type=customer_delete"), named("type=customer_delete", "type=points"), named("type[]=points"),
		named("type[]=customer_delete", "type=points"), named("type[0]=x", "type=points"), named("+type=x", "type=points"), named("type.=x", "type=points"),
		named("type+=x", "type=points"), named("_type=x", "type=points"), named("a[type]=x", "type=points"), named("form.type=x", "type=points"),
		named("type%00=x", "type=points"), named("type%00x=x", "type=points"), named("t%79pe=points"), named("t%2579pe=customer", "type=points"),
		named("%74ype=x", "type=points"), named("ty\x00pe=x", "type=points"), named("%EF%BD%94ype=x", "type=points"), named("\xef\xbb\xbftype=points"),
		named("%u0074ype=x", "type=points"), named("type"), named("type="), named(""), named("code=47"),
		// Its value.
		named("type=Customer_Delete"), named("type=CUSTOMER_DELETE"), named("type=+customer_delete"), named("type=customer_delete+"),
		named("type=customer-delete"), named("type=customerdelete"), named("type=customer_delete%00"), named("type=customer%5Fdelete"),
		named("type=customer%255Fdelete"), named("type=%EF%BD%83ustomer_delete"), named("type=customer_delete2"), named("type=po%69nts"),
		named("type=points%0A"), named("type=points\r\n"), named("type=points,customer_delete"), named("type=points+"), named("type=po.ints"),
		named("type=" + strings.Repeat("a", 65)),
		// It hides.
		named("type=points", "x=customer_delete"), named("type=points", "x=Customer%2520Delete"), named("type=points", `data={"type":"customer_delete"}`),
		named("type=points", "data=%7B%22type%22%3A+%22customer_delete%22%7D"), named("type=points", "x=1%26type%3Dcustomer_delete"),
		named("type=points", "x=1%2526type%253Dcustomer_delete"), named("type=points", `d={"\u0074ype":"customer\u005fdelete"}`),
		named("type=points", "x=%"+strings.Repeat("25", 20)+"41"), named("type=points;type=customers"), named("x=1;type=customers", "type=points"),
		named("x;type=customer_delete", "type=points"), named("type=points", "x=1;t%79pe=a"), named("type=points", "x=%zz"), named("type=points", "%=x"),
		named("type=points", "_method=GET"), named("type=points", "_Method=x"),
		// Content types.
		"application/json {\"type\":\"points\"}", "text/plain type=points", "application/xml <type>points</type>", " type=points", "; type=points",
		"application/x-www-form-urlencoded;charset=utf-7 type=points", "application/x-www-form-urlencoded;charset=utf-16 type=points",
		"application/x-www-form-urlencoded;charset=cp037 type=points", "application/x-www-form-urlencoded;x=y type=points",
		"application/x-www-form-urlencoded;boundary=b type=points", "application/x-www-form-urlencoded,multipart/form-data type=points",
		urlencoded + " " + parted(disposed+"\"type\"\r\n\r\npoints"), "multipart/form-data;boundary=b type=points", "multipart/form-data type=points",
		"multipart/mixed;boundary=b " + parted(disposed+"\"type\"\r\n\r\npoints"),
		"multipart/form-data;boundary=b;boundary=c " + parted(disposed+"\"type\"\r\n\r\npoints"),
		"multipart/form-data;boundary=c;boundary=b " + parted(disposed+"\"type\"\r\n\r\npoints"),
		"application/x-www-form-urlencoded;charset=utf-7;charset=utf-8 type=points",
		// Another boundary for PHP, and for Rack.
		"multipart/form-data;Boundary=b " + parted(disposed+"\"type\"\r\n\r\npoints"),
		"multipart/form-data;Boundary=xboundary=y " + within("xboundary=y", "y"), "multipart/form-data;boundary=boundary=x " + within("boundary=x", "x"),
		"multipart/form-data;Boundary=xboundaryx;charset=utf-8 " + within("xboundaryx", "utf-8"), "multipart/form-data;boundary=aBOUNDARY=x " + within("aBOUNDARY=x", "x"),
		"multipart/form-data;boundary=b\t;charset=utf-8 " + parted(disposed+"\"type\"\r\n\r\npoints"),
		// Another charset for those who look for it in the form.
		named("type=points", "_charset_=utf-7"), named("_Charset_=IBM037", "type=points"),
		named("type=points", "x="+strings.Repeat("+", 2<<10)+"customer_delete"),
	} {
		contentType, body, _ := strings.Cut(row, " ")
		contentType = strings.TrimSuffix(contentType, ";")
		if said := judged(t, "POST", nil, typed(contentType), body); said == "" {
			t.Errorf("%q under %q leaves", body, contentType)
		}
	}
	const points = disposed + "\"type\"\r\n\r\npoints"
	for _, body := range []string{
		parted(points, points), parted(points, disposed+"\"Type\"\r\n\r\nx"), parted(points, disposed+"\"type[]\"\r\n\r\nx"),
		parted(disposed + "\"type\"; filename=\"x\"\r\n\r\npoints"), parted(disposed + "\"type\"; filename*=utf-8''x\r\n\r\npoints"),
		parted(points, disposed+"\"type\"; filename=\"\"\r\n\r\ncustomer_delete"), parted(disposed + "\"type\"; filename=x; name=\"a\"\r\n\r\npoints"),
		parted(disposed + "'type'\r\n\r\npoints"), parted(points, disposed+"'type'\r\n\r\ncustomer_delete"), parted(disposed + "\"ty\\pe\"\r\n\r\npoints"),
		parted(points, "Content-Disposition: form-data; name=\"x\"; name=\"type\"\r\n\r\ny"), parted(points, "Content-Disposition: form-data; name*=utf-8''type\r\n\r\ny"),
		parted(points, "Content-Disposition: form-data; filename=\"a;name=type\"; name=\"x\"\r\n\r\ny"), parted(points, disposed+"\"x\"; filename=\"a\\\"; name=\\\"type\"\r\n\r\ny"),
		parted(points, disposed+"\"x\"\r\n"+disposed+"\"type\"\r\n\r\ny"), parted(points, disposed+"\"x\"\r\n ;name=\"type\"\r\n\r\ny"), parted(points, disposed+"\"%74ype\"\r\n\r\ny"),
		parted(points, "Content-Type: text/plain\r\n\r\ny"), parted(points, "\r\ny"), parted(points, disposed+"\"x\"\n\ny"), parted(points, disposed+"\"x\"\r\nX: y\r\n\r\ny"),
		parted(points, disposed+"\"x\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c"), parted(points, disposed+"\"x\"\r\nContent-Type: message/rfc822\r\n\r\n"),
		parted(disposed+"\"=?utf-8?B?dHlwZQ==?=\"\r\n\r\nredeem", points), parted(points, disposed+"\"x\"\r\nContent-Type: text/plain; charset=IBM037\r\n\r\ny"),
		parted(points, disposed+"\"x\"\r\nContent-Type: text/plain; x=y; charset=utf-7\r\n\r\ny"),
		parted(disposed + "\"type\"\r\nContent-Length: 15\r\n\r\ncustomer_deletex"), parted(disposed + "\"type\"\r\nContent-Length: +6\r\n\r\npoints"),
		parted(disposed + "\"type\"\r\nContent-Transfer-Encoding: base64\r\n\r\npoints"), parted(disposed + "\"type\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\npoints"),
		parted(disposed + "\"type\"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\npoints"), parted(disposed + "\"type\"\r\nContent-Type: application/json\r\n\r\n\"points\""),
		parted(points, disposed+"\"x\"\r\n\r\na\n--b\n"+disposed+"\"type\"\n\ny"), parted(points, disposed+"\"x\"\r\n\r\na--b c"), parted(points, disposed+"\"x\"\r\n\r\na\r\n--bc\r\n"),
		parted(points, disposed+"\"type\"\r\n"+disposed+"\"x\"\r\n\r\ny"), strings.Replace(parted(points, disposed+"\"x\"\r\n\r\ny"), "--b\r\n"+disposed+"\"x", "--b"+disposed+"\"x", 1),
		strings.Replace(parted(points, disposed+"\"x\"\r\n\r\ny"), "y\r\n--b--", "y--b--", 1),
		"a" + parted(points), "\r\n" + parted(points), parted(points) + "x", parted(points) + parted(points), strings.TrimSuffix(parted(points), "--b--\r\n"), "", "--b--",
		strings.ReplaceAll(parted(points), "\r\n", "\n"), parted(disposed + "\"type\"\r\n\r\npoints\r\n"), parted(disposed + "\"type\"\r\n\r\n points"),
		parted(disposed + "\"type\"\r\n\r\nCustomer_Delete"), parted(points, disposed+"\"x\"\r\n\r\ncustomer delete"), parted(points, disposed+"\"type;x\"\r\n\r\na"),
	} {
		if said := judged(t, "POST", nil, typed(formOfB), body); said == "" {
			t.Errorf("%q leaves", body)
		}
	}
	twice, good := map[string][]string{"type": {"points", "points"}}, map[string][]string{"type": {"points"}}
	for name, said := range map[string]string{
		"in query and body":               judged(t, "POST", good, typed(urlencoded), "type=points"),
		"customer_delete in the query":    judged(t, "GET", map[string][]string{"type": {"customer_delete"}}, nil, ""),
		"customer_delete beside the body": judged(t, "POST", map[string][]string{"type": {"customer_delete"}}, typed(urlencoded), "type=points"),
		"twice in the query":              judged(t, "GET", twice, nil, ""),
		"in two cases":                    judged(t, "GET", map[string][]string{"type": {"points"}, "TYPE": {"x"}}, nil, ""),
		"a list":                          judged(t, "GET", map[string][]string{"type[]": {"points"}}, nil, ""),
		"encoded twice":                   judged(t, "GET", map[string][]string{"type": {"points"}, "x": {"1&type=customer%5Fdelete"}}, nil, ""),
		"no type":                         judged(t, "GET", nil, nil, ""),
		"a GET with a body":               judged(t, "GET", good, typed(urlencoded), "x=y"),
		"another method":                  judged(t, "PUT", good, nil, ""),
		"two content types":               judged(t, "POST", nil, append(typed(urlencoded), typed("text/plain")...), "type=points"),
		"two, one empty":                  judged(t, "POST", nil, append(typed(urlencoded), typed("")...), "type=points"),
		"X-HTTP-Method":                   judged(t, "GET", good, [][2]string{{"X-HTTP-Method", "POST"}}, ""),
		"overridden":                      judged(t, "GET", good, [][2]string{{"x-http-method-override", ""}}, ""),
		"X-Method-Override":               judged(t, "POST", good, [][2]string{{"X-Method-Override", "GET"}}, ""),
		"passed on before":                judged(t, "GET", good, [][2]string{{"Via", "1.0 a, 1.1 " + via}}, ""),
	} {
		if said == "" {
			t.Errorf("%s leaves", name)
		}
	}
}
