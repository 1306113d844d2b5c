// Package provisiontest is what the tests of operations 1 and 2 share: events as API Gateway sends them, full users, and
// a count of the calls that a function makes to their table.
package provisiontest

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// Operator is the name of the operator whom every event of this package says its authorizer let in.
const Operator = "csr"

// Event is a call of the provision path as a REST API with a Lambda proxy integration passes it on: customerID as it
// stands in the request line, header fields and query parameters in both forms, the body base64-encoded as with the
// template's BinaryMediaTypes. header has one line a field, "Accept: application/xml".
func Event(method, customerID, query, body string, header ...string) events.APIGatewayProxyRequest {
	values, err := url.ParseQuery(query)
	if err != nil {
		panic(err) // a test's own mistake
	}
	event := events.APIGatewayProxyRequest{
		Resource:                        "/customercare/v1/{customerId}/provision",
		Path:                            "/customercare/v1/" + customerID + "/provision",
		HTTPMethod:                      method,
		Headers:                         map[string]string{"Host": "api.example.com"},
		MultiValueHeaders:               map[string][]string{"Host": {"api.example.com"}},
		QueryStringParameters:           map[string]string{},
		MultiValueQueryStringParameters: values,
		PathParameters:                  map[string]string{"customerId": customerID},
		RequestContext: events.APIGatewayProxyRequestContext{
			Stage: "v1", HTTPMethod: method, DomainName: "api.example.com", RequestID: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
			Authorizer: map[string]any{"principalId": Operator, "operations": "delete-customer-info set-temporary-allow", "integrationLatency": 3},
		},
	}
	for name, all := range values {
		event.QueryStringParameters[name] = all[len(all)-1]
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		event.Headers[name] = value
		event.MultiValueHeaders[name] = append(event.MultiValueHeaders[name], value)
	}
	if body != "" {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
	}
	return event
}

// Users is a Users table whose calls through DB are counted. The table's own Put and Items are not.
type Users struct {
	store.Users
	faults *dynamotest.Faults
	kit    *dynamotest.Kit
}

// Item is a stored item.
type Item = map[string]types.AttributeValue

// New is the template's Users table, empty, on a real engine. Without one the test is skipped.
func New(t testing.TB) Users {
	t.Helper()
	kit := dynamotest.Open(t)
	return Users{kit.Users, kit.Faults, kit}
}

// Unreachable is a table no call reaches: each fails like a refused connection, and is counted.
func Unreachable() Users {
	faults := &dynamotest.Faults{Next: refusing{}}
	db := dynamodb.New(dynamotest.Client("http://127.0.0.1:1").Options(), func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: faults}
	})
	return Users{store.Users{DB: db, Table: "Users"}, faults, nil}
}

type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}

// Calls is the number of HTTP requests made through DB since the last call of Calls.
func (u Users) Calls() int { return len(u.faults.Calls()) }

// Put stores items as they are.
func (u Users) Put(t testing.TB, items ...Item) {
	t.Helper()
	u.kit.Put(t, u.Table, items...)
}

// Items is the whole table by customerId.
func (u Users) Items(t testing.TB) map[string]Item {
	t.Helper()
	all := make(map[string]Item)
	pages := dynamodb.NewScanPaginator(u.kit.Plain, &dynamodb.ScanInput{TableName: &u.Table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			all[item["customerId"].(*types.AttributeValueMemberS).Value] = item
		}
	}
	return all
}

// User is a full item as the import writes it: every attribute of a user, one device and two temporary allows, and one
// attribute that no operation knows.
func User(id string) Item {
	str := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	num := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	object := func(pairs Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: pairs} }
	return Item{
		"customerId":   str(id),
		"registration": object(Item{"level": num("2"), "at": str("2024-02-29T12:00:00Z")}),
		"questions":    object(Item{"q1": str("first pet")}),
		"images":       object(Item{"i1": &types.AttributeValueMemberB{Value: []byte{0, 255, 7}}}),
		"phrases":      object(Item{"p1": str("ünïcode <&> \u2028")}),
		"devices":      object(Item{"d1": object(Item{"name": str("phone")})}),
		"tempAllows": object(Item{
			"1": object(Item{"expires": num("1700000000000"), "grantedBy": str("someone"), "grantedAt": num("1690000000000")}),
			"2": object(Item{"expires": num("4100000000000"), "grantedBy": str("someone"), "grantedAt": num("1690000000000")}),
		}),
		"extra": &types.AttributeValueMemberL{Value: []types.AttributeValue{num("1.5"), &types.AttributeValueMemberNULL{Value: true}}},
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
