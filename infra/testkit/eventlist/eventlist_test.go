package eventlist

import "testing"

// Check takes what the row says, with any text in place of its dots, and nothing else.
func TestCheck(t *testing.T) {
	worker := Event{Name: "cleanup", Answer: `{"a":"...","b":[]}`}
	call := Event{Name: "call", Status: "200 text/plain", Answer: "one ..."}
	for _, c := range []struct {
		event    Event
		returned string
		right    bool
	}{
		{worker, `{"a":"x","b":[]}`, true},
		{worker, "{\"a\":\"x\\ny\",\"b\":[]}\n", true},
		{worker, `{"a": "x", "b": []}`, true},
		{worker, `{"a":"x","b":[1]}`, false},
		{worker, `null`, false},
		{worker, ``, false},
		{call, `{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/plain"]},"body":"one two"}`, true},
		{call, `{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/plain"]},"body":"two one two"}`, false},
		{call, `{"statusCode":500,"multiValueHeaders":{"Content-Type":["text/plain"]},"body":"one two"}`, false},
		{call, `{"statusCode":200,"body":"one two"}`, false},
		{call, ``, false},
		{call, `{"errorMessage":"one two","errorType":"x"}`, false},
	} {
		if err := c.event.Check([]byte(c.returned)); (err == nil) != c.right {
			t.Errorf("%s, given %q: %v", c.event.Name, c.returned, err)
		}
	}
}
