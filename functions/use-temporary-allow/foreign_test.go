package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/provisiontest"
)

// Whatever another writer has stored in place of tempAllows, nobody is let in, nothing
// breaks and nothing is changed.
func TestForeignTypes(t *testing.T) {
	users := provisiontest.New(t)
	for name, value := range provisiontest.Foreign() {
		for place, user := range map[string]provisiontest.Item{
			"tempAllows": provisiontest.User("u1"),
			"entry":      with(provisiontest.Item{"1": value, "2": value}),
			"expires": with(provisiontest.Item{
				"1": attribute.Map(provisiontest.Item{"expires": value}), "2": attribute.Map(provisiontest.Item{"expires": value})}),
		} {
			if place == "tempAllows" {
				user["tempAllows"] = value
			}
			if value == nil && place != "tempAllows" {
				continue
			}
			if value == nil {
				delete(user, "tempAllows")
			}
			users.Put(t, user)
			before := users.Items(t)
			provisiontest.Expect(t, use(t, on(users.Users, "a"), post("u1", "")), 200, no)
			if got := users.Items(t); !reflect.DeepEqual(got, before) || users.Calls() != 1 {
				t.Errorf("%s in %s: the table holds %s", name, place, repr.String(got))
			}
		}
	}
	// A mark of another writer's is a mark, whatever it says.
	for name, value := range provisiontest.Foreign() {
		if value == nil {
			continue
		}
		marked := until(now.Add(24 * time.Hour)).(*types.AttributeValueMemberM)
		marked.Value["usedAt"], marked.Value["usedBy"] = value, value
		users.Put(t, with(provisiontest.Item{"1": marked}))
		if answer := use(t, on(users.Users, "a"), post("u1", "")); answer.Body != no {
			t.Errorf("marked with %s: %s", name, answer.Body)
		}
	}
}
