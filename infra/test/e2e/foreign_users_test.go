package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/provisiontest"
)

// putUser stores a user as another writer may have.
func putUser(t testing.TB, item provisiontest.Item) {
	t.Helper()
	if _, err := database.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(running.Table("Users")),
		Item: item}); err != nil {
		t.Fatal(err)
	}
}

// updates are how often do makes operation 1 or 2 write.
func updates(t testing.TB, do func()) []string {
	t.Helper()
	return slices.DeleteFunc(invocations(t, do),
		func(made string) bool { return strings.ReplaceAll(made+" ", "UpdateItem ", "") != "" })
}

// Operations 1 and 2 on a user that another writer has stored: whatever type stands in an
// attribute's place, the call does what it says, with one write, or two where the map of
// allows has to be put in place first.
func TestForeignUsers(t *testing.T) {
	csr := operator(t, "csr-foreign")
	path := at(bases[0], "u-foreign")
	for name, value := range provisiontest.Foreign() {
		user := provisiontest.User("u-foreign")
		for _, attribute := range []string{"registration", "questions", "images", "phrases", "devices", "tempAllows"} {
			delete(user, attribute)
			if value != nil {
				user[attribute] = value
			}
		}
		putUser(t, user)
		want := "UpdateItem UpdateItem"
		if _, isMap := value.(*types.AttributeValueMemberM); isMap {
			want = "UpdateItem"
		}
		before := userItem(t, "u-foreign")
		for turn := range 2 {
			if turn > 0 {
				want = "UpdateItem"
			}
			made := updates(t, func() { send(t, "PUT", path, `{"tempAllowType":1}`, csr).done(t, "json") })
			if !slices.Equal(made, []string{want}) {
				t.Errorf("%s: setting an allow writes %q, want %s", name, made, want)
			}
		}
		if got := allowOf(t, "u-foreign", "1"); got.by != "csr-foreign" {
			t.Errorf("%s: the allow is %+v", name, got)
		}
		if got := userItem(t, "u-foreign"); !maps.Equal(without(got, "tempAllows"), without(before, "tempAllows")) {
			t.Errorf("%s: more than the allow changed: %v, was %v", name, got, before)
		}
		putUser(t, user)
		for _, deletion := range []string{"cancelAllTemporaryAllows", "unregisterDevices", "reset"} {
			made := updates(t, func() { send(t, "DELETE", path+"?"+deletion+"=true", "", csr).done(t, "json") })
			if !slices.Equal(made, []string{"UpdateItem"}) {
				t.Errorf("%s: %s writes %q", name, deletion, made)
			}
		}
		got := userItem(t, "u-foreign")
		if left := without(got, "customerId", "extra"); len(left) != 1 || left["tempAllows"] != `{"Value":{}}` ||
			got["extra"] == "" {
			t.Errorf("%s: left is %v", name, got)
		}
	}
}

// allowOf is one stored allow, whatever stands beside it.
func allowOf(t testing.TB, id, kind string) (found allow) {
	t.Helper()
	out, err := database.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(running.Table("Users")), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"customerId": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	allows, _ := out.Item["tempAllows"].(*types.AttributeValueMemberM)
	if allows == nil {
		return allow{}
	}
	entry, _ := allows.Value[kind].(*types.AttributeValueMemberM)
	if entry == nil {
		return allow{}
	}
	by, _ := entry.Value["grantedBy"].(*types.AttributeValueMemberS)
	if by != nil {
		found.by = by.Value
	}
	return found
}

// A user's item that is full: an allow is refused as a failure of ours that does not
// pass, in both formats, and nothing changes; each deletion still ends well, and makes
// the room that the allow then takes.
func TestFullUser(t *testing.T) {
	csr := operator(t, "csr-full")
	for name, tempAllows := range map[string]types.AttributeValue{
		"map": &types.AttributeValueMemberM{Value: provisiontest.Item{}}, "nothing": nil,
		"text": &types.AttributeValueMemberS{Value: "no"},
	} {
		id := "u-full-" + name
		user := provisiontest.Without(provisiontest.User(id), "tempAllows")
		user["devices"] = &types.AttributeValueMemberM{Value: provisiontest.Item{"d": &types.AttributeValueMemberS{Value: fmt.Sprintf("%500s", "large")}}}
		if tempAllows != nil {
			user["tempAllows"] = tempAllows
		}
		putUser(t, provisiontest.Filled(user, 8))
		path, before := at(bases[1], id), userItem(t, id)
		for format, accept := range map[string]string{"json": acceptJSON, "xml": acceptXML} {
			made := updates(t, func() {
				send(t, "PUT", path, `{"tempAllowType":1}`, csr, accept).refused(t, 500, format,
					"The record of this customerId is full, the temporary allow cannot be stored until it is made smaller")
			})
			if len(made) != 1 {
				t.Errorf("%s: a full item takes %q", name, made)
			}
		}
		if !maps.Equal(userItem(t, id), before) {
			t.Errorf("%s: the full item changed", name)
		}
		for range 2 {
			send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json")
		}
		if left := userItem(t, id)["tempAllows"]; left != "" && left != `{"Value":{}}` {
			t.Errorf("%s: left is %s", name, left)
		}
		send(t, "DELETE", path+"?unregisterDevices=true", "", csr).done(t, "json")
		send(t, "PUT", path, `{"tempAllowType":1}`, csr).done(t, "json")
		if got := allowOf(t, id, "1"); got.by != "csr-full" {
			t.Errorf("%s: the allow is %+v", name, got)
		}
	}
}
