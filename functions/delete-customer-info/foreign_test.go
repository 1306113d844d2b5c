package main

import (
	"reflect"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/provisiontest"
)

// Whatever another writer has stored in place of an attribute, it is gone after the call
// that deletes it, and the item may be as full as DynamoDB takes.
func TestForeignTypesInAFullItem(t *testing.T) {
	users := provisiontest.New(t)
	const room = 8 // less than an empty tempAllows takes
	none := &types.AttributeValueMemberM{Value: provisiontest.Item{}}
	for _, c := range []struct{ query, attribute string }{
		{"cancelAllTemporaryAllows", "tempAllows"}, {"unregisterDevices", "devices"},
		{"reset", "registration"}, {"reset", "questions"}, {"reset", "images"}, {"reset", "phrases"},
	} {
		for name, value := range provisiontest.Foreign() {
			user := provisiontest.Without(provisiontest.User("u1"), c.attribute)
			if value != nil {
				user[c.attribute] = value
			}
			for _, stored := range []provisiontest.Item{user, provisiontest.Filled(user, room)} {
				users.Put(t, stored)
				want := provisiontest.Without(stored, c.attribute)
				if c.query == "reset" {
					want = provisiontest.Without(want, "registration", "questions", "images", "phrases")
				}
				for range 2 {
					answer := call(t, users.Users, provisiontest.Event("DELETE", "u1", c.query+"=true", ""))
					provisiontest.Expect(t, answer, 200, doneJSON)
					if n := users.Calls(); n > 2 || n > 1 && stored["filling"] == nil {
						t.Errorf("%s %s: %d DynamoDB calls", c.attribute, name, n)
					}
					got := users.Items(t)["u1"]
					if left := got["tempAllows"]; c.query == "cancelAllTemporaryAllows" && left != nil &&
						!reflect.DeepEqual(left, types.AttributeValue(none)) {
						t.Errorf("%s: left is %s", name, repr.String(left))
					}
					if c.query == "cancelAllTemporaryAllows" {
						got = provisiontest.Without(got, "tempAllows")
					}
					// A full item may have no room for the time, and then keeps none.
					if at := got["activeAt"]; at == nil && stored["filling"] == nil {
						t.Errorf("%s %s: no activity", c.attribute, name)
					}
					if got = provisiontest.Without(got, "activeAt"); !reflect.DeepEqual(got, want) {
						t.Errorf("%s %s: other attributes are changed", c.attribute, name)
					}
				}
			}
		}
	}
}
