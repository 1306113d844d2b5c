package show

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type node struct {
	Name  string
	next  *node
	count *int
	at    time.Time
	fault error
	do    func()
	bytes []byte
	Any   any
}

// What a test has got stands in its message, however deep it lies behind pointers.
func TestValues(t *testing.T) {
	seven, text := 7, "text"
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	circle := &node{Name: "a"}
	circle.next = circle
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "nil"},
		{(*int)(nil), "nil"},
		{&seven, "7"},
		{[]*string{&text, nil}, `["text" nil]`},
		{map[string]*int{"b": nil, "a": &seven}, `map["a":7 "b":nil]`},
		{&at, "2026-01-02 03:04:05 +0000 UTC"},
		{node{Name: "x", next: &node{count: &seven, do: func() {}}, at: at, fault: errors.New("y"), bytes: []byte("z"), Any: &text},
			`{Name:"x" next:{Name:"" next:nil count:7 at:0001-01-01 00:00:00 +0000 UTC fault:nil do:a func bytes:"" Any:nil}` +
				` count:nil at:2026-01-02 03:04:05 +0000 UTC fault:y do:nil bytes:"z" Any:"text"}`},
		{map[string]types.AttributeValue{"k": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"n": &types.AttributeValueMemberN{Value: "1"}, "b": &types.AttributeValueMemberBOOL{Value: true},
		}}}, `map["k":{Value:map["b":{Value:true} "n":{Value:"1"}]}]`},
	} {
		if got := Values(c.value); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := Values(circle); len(got) > 5000 {
		t.Errorf("a circle ends only after %d bytes", len(got))
	}
}
