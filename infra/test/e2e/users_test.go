package e2e

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// userItem is wholeUser without the last activity, which every call changes.
func userItem(t testing.TB, id string) map[string]string {
	t.Helper()
	item := wholeUser(t, id)
	delete(item, "activeAt")
	return item
}

// wholeUser is what stands under the id, each attribute as JSON; nil when nothing does.
func wholeUser(t testing.TB, id string) map[string]string {
	t.Helper()
	out, err := database.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(running.Table("Users")), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"customerId": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Item == nil {
		return nil
	}
	item := map[string]string{}
	for name, value := range out.Item {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		item[name] = string(text)
	}
	return item
}

// without is item without the attributes of these names.
func without(item map[string]string, names ...string) map[string]string {
	rest := map[string]string{}
	for name, value := range item {
		rest[name] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// Operations 1 and 2 note when they came, in the one write that they make. A call that is
// refused, or is about nobody, notes nothing and makes nobody.
func TestActivity(t *testing.T) {
	csr := operator(t, "csr-active")
	loadUsers(t, "u-active")
	if at := wholeUser(t, "u-active")["activeAt"]; at != "" {
		t.Fatalf("a user who was loaded is active at %s", at)
	}
	path, last := at(bases[0], "u-active"), int64(0)
	active := func() int64 {
		var number struct {
			Value int64 `json:",string"`
		}
		if err := json.Unmarshal([]byte(wholeUser(t, "u-active")["activeAt"]), &number); err != nil {
			t.Fatal(err)
		}
		return number.Value
	}
	for _, call := range []struct{ method, query, body string }{
		{"PUT", "", `{"tempAllowType":1}`}, {"PUT", "", `{"tempAllowType":1}`},
		{"DELETE", "?cancelAllTemporaryAllows=true", ""}, {"DELETE", "?unregisterDevices=true", ""},
		{"DELETE", "?reset=true", ""},
	} {
		begun := time.Now().UnixMilli()
		made := updates(t, func() { send(t, call.method, path+call.query, call.body, csr).done(t, "json") })
		if !slices.Equal(made, []string{"UpdateItem"}) {
			t.Errorf("%s %s writes %q", call.method, call.query, made)
		}
		if last = active(); last < begun || last > time.Now().UnixMilli() {
			t.Errorf("%s %s: active at %d, begun at %d", call.method, call.query, last, begun)
		}
	}
	send(t, "DELETE", path, "", csr).refused(t, 400, "json")
	send(t, "PUT", path, `{"tempAllowType":"x"}`, csr).refused(t, 400, "json")
	if status := send(t, "DELETE", path+"?reset=true", "", basic("csr-active", "wrong")).Status; status < 400 {
		t.Errorf("a wrong password has status %d", status)
	}
	if again := active(); again != last {
		t.Errorf("a refused call changes the activity from %d to %d", last, again)
	}
	send(t, "DELETE", at(bases[0], "u-nobody-active")+"?reset=true", "", csr).refused(t, 404, "json")
	send(t, "PUT", at(bases[0], "u-nobody-active"), `{"tempAllowType":1}`, csr).refused(t, 404, "json")
	if made := wholeUser(t, "u-nobody-active"); made != nil {
		t.Errorf("made of nobody: %v", made)
	}
}
