package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/client"
	"customercare/infra/testkit/provisiontest"
)

// Whatever another writer has stored in place of tempAllows, the allow is set: in one
// call where a map stands, of whatever, and in two where another type does or nothing,
// which the map then replaces.
func TestForeignTypes(t *testing.T) {
	users := provisiontest.New(t)
	for name, value := range provisiontest.Foreign() {
		user := provisiontest.Without(provisiontest.User("u1"), "tempAllows")
		if value != nil {
			user["tempAllows"] = value
		}
		users.Put(t, user, provisiontest.User("u2"))
		allows, isMap := value.(*dynamo.AttributeValueMemberM)
		calls := 1
		if !isMap {
			allows, calls = &dynamo.AttributeValueMemberM{Value: provisiontest.Item{}}, 2
		}
		user = provisiontest.Without(user)
		user["tempAllows"] = allows
		want := map[string]provisiontest.Item{
			"u1": granted(user, "1", now.Add(24*time.Hour)),
			"u2": provisiontest.User("u2"),
		}
		for turn, most := range []int{calls, 1} {
			provisiontest.Expect(t,
				put(t, users.Users, provisiontest.Event("PUT", "u1", "", `{"tempAllowType":1}`, asJSON)), 200,
				doneJSON)
			if n := users.Calls(); n != most {
				t.Errorf("%s: call %d made %d DynamoDB calls, want %d", name, turn+1, n, most)
			}
			if got := users.Items(t); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the table holds\n%s\nwant\n%s", name, repr.String(got), repr.String(want))
			}
		}
	}
}

// An item without room is left as it is, and the sentence does not ask for another try; a
// little more room, and the allow is set. The engines differ by some bytes here (one
// counts the key twice), which is what the slack is for.
func TestFullItem(t *testing.T) {
	const sentence = "The record of this customerId is full, the temporary allow cannot be stored until it is made smaller"
	const slack, lack = 64, 32
	users := provisiontest.New(t)
	for name, value := range map[string]dynamo.AttributeValue{
		"a map": &dynamo.AttributeValueMemberM{Value: provisiontest.Item{}}, "nothing": nil, "a text": &dynamo.AttributeValueMemberS{Value: "none"},
	} {
		user := provisiontest.Without(provisiontest.User("u1"), "tempAllows")
		room := func(more int) provisiontest.Item {
			set := provisiontest.Without(user)
			set["tempAllows"] = &dynamo.AttributeValueMemberM{Value: provisiontest.Item{}}
			filled := provisiontest.Filled(granted(set, "2", now.Add(2*time.Hour)), more)
			filled = provisiontest.Without(filled, "tempAllows")
			if value != nil {
				filled["tempAllows"] = value
			}
			return filled
		}
		for _, format := range []string{"application/json", "application/xml"} {
			users.Put(t, room(-lack))
			before := users.Items(t)
			want := client.NotDone(format, 500, sentence).Body
			provisiontest.Expect(
				t,
				put(t, users.Users,
					provisiontest.Event("PUT", "u1", "", `{"tempAllowType":2}`, asJSON, "Accept: "+format)),
				500,
				want,
			)
			if n := users.Calls(); n > 3 {
				t.Errorf("%s: %d DynamoDB calls", name, n)
			}
			if got := users.Items(t); !reflect.DeepEqual(got, before) {
				t.Errorf("%s: the table changed", name)
			}
		}
		users.Put(t, room(slack))
		provisiontest.Expect(t, put(t, users.Users, provisiontest.Event("PUT", "u1", "", `{"tempAllowType":2}`, asJSON)),
			200, doneJSON)
		users.Calls()
	}
}
