package respond

import (
	"net/http"
	"testing"
)

func TestNegotiate(t *testing.T) {
	const java = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2" // Java's HttpURLConnection
	const impossible = Media(-1)
	for _, test := range []struct {
		contentType string
		accept      []string
		want        Media
	}{
		// Without Accept by Content-Type, without either JSON.
		{"", nil, JSON},
		{"", []string{""}, JSON},
		{"", []string{" ", ""}, JSON},
		{"application/json", nil, JSON},
		{"application/xml", nil, XML},
		{"Application/XML; charset=utf-8", nil, XML},
		{"text/plain", nil, JSON},
		{"application/xml;;;=", nil, XML}, // parameters that cannot be read are dropped alone
		{"application/xml; charset=", nil, XML},
		{"application/xml/x; charset=utf-8", nil, JSON}, // no media type
		{"\xff", nil, JSON},
		{" ", []string{"", "\t"}, JSON},

		{"", []string{"application/json"}, JSON},
		{"", []string{"application/xml"}, XML},
		{"", []string{"APPLICATION/XML"}, XML},
		{"application/json", []string{"application/xml"}, XML},
		{"application/xml", []string{"application/json"}, JSON},
		{"", []string{"application/xml; charset=utf-8"}, XML},
		{"", []string{`application/xml;charset="UTF-8";q=0.9`}, XML},

		// Wildcards leave the choice to Content-Type.
		{"", []string{"*/*"}, JSON},
		{"application/xml", []string{"*/*"}, XML},
		{"application/xml", []string{"application/*"}, XML},
		{"", []string{"application/*"}, JSON},
		{"application/xml", []string{java}, XML},
		{"application/json", []string{java}, JSON},
		{"", []string{java}, JSON},
		{"application/xml", []string{"*"}, XML},
		{"", []string{"text/*, */*;q=0.1"}, JSON},

		// The higher q wins, wherever it stands; a range of more detail goes before a
		// wildcard.
		{"", []string{"application/json;q=0.5, application/xml;q=0.6"}, XML},
		{"", []string{"application/xml;q=0.5, application/json;q=0.501"}, JSON},
		{"", []string{"application/json;q=0.9, application/xml"}, XML},
		{"", []string{"application/json;Q=0.2,application/xml ; q = 0.3"}, XML},
		{"", []string{"application/json;q=0.1, */*"}, XML},
		{"", []string{"*/*, application/json;q=0.1"}, XML},
		{"", []string{"application/json;q=0.1, application/*;q=0.05, */*"}, JSON},
		{"", []string{"text/xml, application/*;q=0.1, application/xml;q=0.2"}, XML},

		// Alike: the one named first.
		{"application/json", []string{"application/xml, application/json"}, XML},
		{"application/xml", []string{"application/json, application/xml"}, JSON},
		{"application/xml", []string{"application/json;q=0.5, application/xml;q=0.5"}, JSON},
		{"", []string{"text/html, application/xml, */*"}, XML},

		// Several fields are one list.
		{"", []string{"text/html", "application/xml"}, XML},
		{"", []string{"application/json;q=0.1", "application/xml;q=0.2"}, XML},
		{"", []string{"text/html,", ",application/xml,,"}, XML},

		// q=0 refuses.
		{"", []string{"application/json;q=0, */*"}, XML},
		{"application/json", []string{"application/json;q=0.000, application/*;q=0.001"}, XML},
		{"application/xml", []string{"*/*, application/xml;q=0"}, JSON},
		{"", []string{"application/json;q=0"}, impossible},
		{"", []string{"*/*;q=0"}, impossible},
		{"", []string{"application/json;q=0, application/xml;q=0, */*"}, impossible},

		// Neither.
		{"", []string{"text/html"}, impossible},
		{"application/xml", []string{"text/xml"}, impossible},
		{"", []string{"application/problem+json"}, impossible},
		{"", []string{"application/jsonp, application/xmlx"}, impossible},
		{"", []string{"text/*"}, impossible},
		{"", []string{"json"}, impossible},

		// A quoted string is one token, and a parameter that cannot be read is dropped
		// alone.
		{"", []string{`application/json; profile="https://x/y,z", application/xml;q=0.1`}, JSON},
		{"", []string{`application/xml; profile="https://x/y,z", application/json;q=0.1`}, XML},
		{"", []string{`application/xml; profile="a,b"`}, XML},
		{"", []string{`application/json;q=0.1, application/xml; a="\",;q=0\\"; q=0.2`}, XML},
		{"", []string{`application/json;q=0.1, application/xml; a = "b;q=0" ;q=0.2`}, XML},
		{"", []string{`text/html; a="application/xml, application/json"`}, impossible},
		{"", []string{`text/html; a="x, application/xml`}, XML}, // no end: no quoted string
		{"", []string{`application/json;q=0.1, application/xml; a="x; q=0.2`}, XML},
		{"", []string{`application/xml;;q=0.2;, application/json;q=0.1`}, XML},
		{"", []string{"application/xml; charset; =x; a=b c; q=0.2, application/json;q=0.1"}, XML},
		{"", []string{"application/xml; a=1; a=2; q=0.2, application/json; a=1; a=1; q=0.1"}, XML},
		{"", []string{"application/json; a=1; a=1; q=0.1, application/xml; q=0.2"}, XML},
		{"", []string{"application/xml; q=, application/json; q=0.9"}, XML},
		{"", []string{"application / xml"}, impossible}, // the name itself cannot be read
		{"", []string{`"application/xml"`}, impossible},

		// A q that is none makes no range; the others still count.
		{"", []string{"application/json;q=2, application/xml;q=0.1"}, XML},
		{"", []string{"application/json;q=-1, application/xml;q=0.1"}, XML},
		{"", []string{"application/json;q=NaN, application/xml;q=0.1"}, XML},
		{"", []string{"application/json;q=x"}, impossible},
		{"", []string{"application/json;q=0;q=0.1, application/xml;q=0.5"}, XML},
		{"", []string{"application/json;q=1;q=1.0, application/xml;q=0.5"}, XML},
		{"", []string{"application/json;q=0 1, application/xml;q=0.5"}, XML},
		{"", []string{`application/json;q="0, application/xml;q=0.5`}, XML},
		{"", []string{"application/json;q=0;q=0.1"}, impossible},
		{"", []string{"application/json;q=0.5;q=0.5, application/xml;q=0.4"}, JSON},
		{"", []string{"a/b;q=\"1,2\", application/xml"}, XML},
	} {
		r := &http.Request{Header: http.Header{}}
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		for _, value := range test.accept {
			r.Header.Add("Accept", value)
		}
		format, refusal := negotiate(r.Header, nil)
		got := format.Media
		if refusal != nil {
			got = impossible
			if status := AsError(refusal).Status(); status != 406 {
				t.Errorf("%q: status %d", test.accept, status)
			}
			if fallback := test.contentType == "application/xml"; (format.Media == XML) != fallback {
				t.Errorf("%q with Content-Type %q is refused in medium %d", test.accept, test.contentType, format.Media)
			}
		}
		if got != test.want {
			t.Errorf("Accept %q with Content-Type %q: medium %d, want %d", test.accept, test.contentType, got,
				test.want)
		}
	}
}
