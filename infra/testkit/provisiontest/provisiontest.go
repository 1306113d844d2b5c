// Package provisiontest is what the tests of operations 1 and 2, and of the two calls
// beside them, share: events as API Gateway sends them, full users, and a count of the
// calls that a function makes to their table.
package provisiontest

import (
	"errors"
	"io"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/store"
)

// Operator is the name of the operator whom every event of this package says its
// authorizer let in.
const Operator = "csr"

// Digests makes the digests of users in audit lines.
var Digests = digest.Digester{
	Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")},
}

// Event is a call of the provision path: customerID as it stands in the request line, and
// one line a header field, such as "Accept: application/xml".
func Event(method, customerID, query, body string, header ...string) events.APIGatewayProxyRequest {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(err) // a test's own mistake
	}
	fields := [][2]string{{"Host", "api.example.com"}}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		fields = append(fields, [2]string{name, value})
	}
	return frontdoor.Request{
		Method: method, Path: strings.Replace(operation.DeleteCustomerInfo.Paths[0], "{customerId}", customerID, 1),
		Params: map[string]string{"customerId": customerID}, Query: values, Header: fields, Body: []byte(body),
		Authorizer: map[string]any{
			"principalId": Operator, "integrationLatency": 3,
			"operations": "delete-customer-info set-temporary-allow read-provision use-temporary-allow",
		},
	}.Event()
}

// Item is a stored item.
type Item = attribute.Item

// Users is a Users table whose calls through DB are counted. The table's own Put and
// Items are not.
type Users struct{ *dynamotest.Kit }

// New is the template's Users table, empty, on a real engine. Without one the test is
// skipped.
func New(t testing.TB) Users {
	t.Helper()
	return Users{dynamotest.Open(t)}
}

// Unreachable is a table that no call reaches: each fails like a refused connection.
func Unreachable() Users {
	refused := func(string, io.Reader) (string, error) { return "", errors.New("connection refused") }
	faults := &dynamotest.Faults{Next: canned.Database(refused)}
	return Users{&dynamotest.Kit{Faults: faults, Users: store.Users{DB: canned.Client(faults), Table: "Users"}}}
}

// Calls is the number of HTTP requests made through DB since the last call of Calls.
func (u Users) Calls() int { return len(u.Faults.Calls()) }

// Put stores items as they are.
func (u Users) Put(t testing.TB, items ...Item) {
	t.Helper()
	u.Kit.Put(t, u.Users.Table, items...)
}

// Items is the whole table by customerId.
func (u Users) Items(t testing.TB) map[string]Item {
	t.Helper()
	all := make(map[string]Item)
	for _, item := range dynamotest.Items(t, u.Plain, u.Users.Table) {
		all[attribute.ReadText(item, "customerId")] = item
	}
	return all
}

// Expect fails the test when the answer has another status or body.
func Expect(t *testing.T, answer gateway.Answer, status int, body string) {
	t.Helper()
	if answer.StatusCode != status || answer.Body != body {
		t.Errorf("got  %d %s\nwant %d %s", answer.StatusCode, answer.Body, status, body)
	}
}

// User is a full item as the import writes it: every attribute of a user, one device and
// two temporary allows, and one attribute that no operation knows.
func User(id string) Item {
	text, number, object := attribute.Text, attribute.Number, attribute.Map
	allow := func(expires int64) types.AttributeValue {
		return object(Item{
			"expires": number(expires), "grantedBy": text("someone"), "grantedAt": number(1690000000000),
		})
	}
	return Item{
		"customerId":   text(id),
		"registration": object(Item{"level": number(2), "at": text("2024-02-29T12:00:00Z")}),
		"questions":    object(Item{"q1": text("first pet")}),
		"images":       object(Item{"i1": &types.AttributeValueMemberB{Value: []byte{0, 255, 7}}}),
		"phrases":      object(Item{"p1": text("ünïcode <&> \u2028")}),
		"devices":      object(Item{"d1": object(Item{"name": text("phone")})}),
		"tempAllows":   object(Item{"1": allow(1700000000000), "2": allow(4100000000000)}),
		"extra": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberN{Value: "1.5"}, &types.AttributeValueMemberNULL{Value: true},
		}},
	}
}

// Without is a copy of item without the attributes of those names.
func Without(item Item, names ...string) Item {
	rest := maps.Clone(item)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// Foreign is a value of every type of DynamoDB's, as another writer of the table may
// store one in place of any attribute; nil is the attribute that is not there.
func Foreign() map[string]types.AttributeValue {
	null := &types.AttributeValueMemberNULL{Value: true}
	return map[string]types.AttributeValue{
		"absent":        nil,
		"text":          attribute.Text("none"),
		"empty text":    attribute.Text(""),
		"number":        attribute.Number(7),
		"bytes":         &types.AttributeValueMemberB{Value: []byte{0, 1}},
		"true":          &types.AttributeValueMemberBOOL{Value: true},
		"null":          null,
		"list":          attribute.Texts("1"),
		"empty list":    attribute.Texts(),
		"set of texts":  &types.AttributeValueMemberSS{Value: []string{"1"}},
		"set of number": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"set of bytes":  &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
		"empty map":     attribute.Map(Item{}),
		"map":           attribute.Map(Item{"1": attribute.Text("none"), "x": null}),
	}
}

// Filled is a copy of item with a further attribute that fills it to DynamoDB's limit but
// for room bytes.
func Filled(item Item, room int) Item {
	full := maps.Clone(item)
	full["filling"] = attribute.Text("")
	free := quotas.MaxItem - quotas.Size(full) - room
	full["filling"] = attribute.Text(strings.Repeat("x", free))
	return full
}
