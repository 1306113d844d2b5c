package gateway

import (
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/respond"
)

// form has a name with an "s" and a "k", which Unicode folds with "ſ" and the Kelvin
// sign.
type form struct {
	Task  string   `json:"task"`
	Size  *int     `json:"size"`
	Names []string `json:"names"`
}

// decode reads body as a form; refused is the refusal's sentence, "" when there is none.
func decode(t testing.TB, body string) (got form, refused string) {
	t.Helper()
	serve(t, events.APIGatewayProxyRequest{Body: body}, func(call *Call) (any, error) {
		if err := call.DecodeJSON(&got, "task", "size", "names"); err != nil {
			refused = sentence(err)
			if failure := respond.AsError(err); failure.Status() != 400 || failure.Cause != nil {
				t.Errorf("%.80q: status %d, cause %v", body, failure.Status(), failure.Cause)
			}
		}
		return answer{}, nil
	})
	return got, refused
}

func TestDecodeJSON(t *testing.T) {
	for _, body := range []string{
		`{"task":"a","size":1,"names":["b","c"]}`,
		"\uFEFF" + `{"task":"a","size":1,"names":["b","c"]}`,
		" \t\r\n{ \"names\" : [ \"b\" , \"c\" ] , \"size\":1,\n\"task\":\"a\" } \r\n",
		`{"t\u0061sk":"\u0061","size":1,"names":["b","c"]}`,
		`{"task":"a","size":1,"names":["b","c"],"other":{"Task":1,"task":2,"deep":[{"TASK":null}]},"":true}`,
	} {
		got, sentence := decode(t, body)
		if sentence != "" || got.Task != "a" || got.Size == nil || *got.Size != 1 ||
			strings.Join(got.Names, "") != "bc" {
			t.Errorf("%s: got %s, %q", body, repr.String(got), sentence)
		}
	}
	if got, sentence := decode(t, `{"task":null,"size":null,"names":null}`); sentence != "" || got.Task != "" ||
		got.Size != nil ||
		got.Names != nil {
		t.Errorf("null is not absent: %s, %q", repr.String(got), sentence)
	}
	if got, sentence := decode(t, `{"task":"\ud83e\udd8a \u2028"}`); sentence != "" || got.Task != "\U0001F98A \u2028" {
		t.Errorf("got %s, %q", repr.String(got), sentence)
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	const (
		broken = "The request body is not valid JSON"
		object = "The request body must be a JSON object"
		behind = "The request body has content behind the JSON object"
		empty  = "The request body is empty, a JSON object with task, size, names is needed"
	)
	for _, test := range []struct{ body, want string }{
		{"", empty},
		{" \r\n\t", empty},

		{`{"task":"a","task":"a"}`, "task is given twice in the request body"},
		{`{"task":"a","t\u0061sk":"b"}`, "task is given twice in the request body"},
		{`{"other":1,"other":2}`, "other is given twice in the request body"},
		{`{"other":{"x":1,"x":2}}`, "x is given twice in the request body"},
		{`{"names":[],"size":1,"names":[]}`, "names is given twice in the request body"},
		{`{"a~b/c":1,"a~b/c":2}`, "a~b/c is given twice in the request body"},
		{`{"":1,"":2}`, "A field is given twice in the request body"},
		{`{"\r\n":1,"\r\n":2}`, "A field is given twice in the request body"},
		{`{"` + strings.Repeat("é", 50) + `":1,"` + strings.Repeat("é", 50) + `":1}`, strings.Repeat("é", 20) + "... is given twice in the request body"},

		{`{"Task":"a"}`, "Task is not known, write task"},
		{`{"TASK":"a","task":"b"}`, "TASK is not known, write task"},
		{`{"task":"b","tasK":"a"}`, "tasK is not known, write task"},
		{`{"ta\u017fk":"a"}`, "taſk is not known, write task"},
		{`{"taſk":"a"}`, "taſk is not known, write task"},
		{`{"tas` + "\u212a" + `":"a"}`, "tas\u212a is not known, write task"},

		{`{"task":"a"}{}`, behind},
		{`{"task":"a"} x`, behind},
		{`{"task":"a"}` + "\x00", behind},
		{`{"task":"a"}` + "\u00a0", behind},
		{`{},`, behind},
		{`[] []`, behind},

		{"{\"task\":\"\xff\"}", broken},
		{"{\"\xff\":\"a\"}", broken},
		{"{\"other\":\"\xc0\xaf\"}", broken},
		{`{"task":"\ud800"}`, broken},
		{`{"task":"\udc00\ud800"}`, broken},
		{"\uFEFF\uFEFF{}", broken},
		{"{}\uFEFF", behind},
		{"{\uFEFF}", broken},
		{"\uFEFF", empty},
		{"\xff\xfe{\x00}\x00", "The request body is in UTF-16, it must be JSON in UTF-8"},
		{"{\x00}\x00", "The request body is in UTF-16, it must be JSON in UTF-8"},
		{"\x00{\x00}", "The request body is in UTF-16, it must be JSON in UTF-8"},
		{"{\x00\x00\x00}\x00\x00\x00", "The request body is in UTF-32, it must be JSON in UTF-8"},
		{"{\x00}", broken},
		{"{\"task\":\"a\x00\"}", broken},
		{"{\"task\":\"a\nb\"}", broken},
		{"{\"task\":\"\x00\"", broken},
		{`{"task":"\u0000"}`, "task holds a NUL character"},
		{`{"names":["a","b\u0000c"]}`, "names holds a NUL character"},
		{`{"ta\u0000sk":"a"}`, "task holds a NUL character"},
		{`{"other":{"deep":"\u0000"}}`, "other holds a NUL character"},

		{`{"task":1}`, "task has a value of the wrong type"},
		{`{"task":{}}`, "task has a value of the wrong type"},
		{`{"task":true}`, "task has a value of the wrong type"},
		{`{"size":"1"}`, "size has a value of the wrong type"},
		{`{"size":1.0}`, "size has a value of the wrong type"},
		{`{"size":1e0}`, "size has a value of the wrong type"},
		{`{"size":1e400}`, "size has a value of the wrong type"},
		{`{"size":99999999999999999999}`, "size has a value of the wrong type"},
		{`{"names":"a"}`, "names has a value of the wrong type"},
		{`{"names":["a",["b"]]}`, "names has a value of the wrong type"},
		{`{"names":[1]}`, "names has a value of the wrong type"},
		{`{"names":{"0":"a"}}`, "names has a value of the wrong type"},

		{`[]`, object},
		{`[{"task":"a"}]`, object},
		{` null `, object},
		{`true`, object},
		{`"task"`, object},
		{`1`, object},

		{`{`, broken},
		{`}`, broken},
		{`{"task"}`, broken},
		{`{"task":}`, broken},
		{`{"task":"a",}`, broken},
		{`{'task':'a'}`, broken},
		{`{task:"a"}`, broken},
		{`{"task":"a"/**/}`, broken},
		{`{"size":01}`, broken},
		{`{"size":+1}`, broken},
		{`{"size":NaN}`, broken},
		{`{"task":"\x"}`, broken},
		{`nul`, broken},
		{`task=a&size=1`, broken},
		{`<a/>`, broken},
		{strings.Repeat("[", 1000), broken},
		{strings.Repeat(`{"a":`, 200), broken},
	} {
		if got, sentence := decode(t, test.body); sentence != test.want {
			t.Errorf("%.80q\ngot  %q, %s\nwant %q", test.body, sentence, repr.String(got), test.want)
		}
	}
}

// Nesting far beyond what any caller needs ends in a sentence, not in a stack overflow.
func TestDeepJSON(t *testing.T) {
	const depth = 200_000
	for _, body := range []string{
		strings.Repeat("[", depth) + strings.Repeat("]", depth),
		`{"other":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}",
		strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth),
	} {
		call := &Call{Body: []byte(body)}
		var into form
		if err := call.DecodeJSON(&into, "task"); err == nil || respond.AsError(err).Status() != 400 {
			t.Errorf("%.20s: got %v", body, err)
		}
	}
}
