// Package provisiontest is what the tests of operations 1 and 2 share: events as API
// Gateway sends them, full users, and a count of the calls that a function makes to their
// table.
package provisiontest

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/operation"
	"customercare/shared/store"
)

// Operator is the name of the operator whom every event of this package says its
// authorizer let in.
const Operator = "csr"

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
			"principalId": Operator, "operations": "delete-customer-info set-temporary-allow", "integrationLatency": 3,
		},
	}.Event()
}

// Users is a Users table whose calls through DB are counted. The table's own Put and
// Items are not.
type Users struct {
	store.Users
	kit   *dynamotest.Kit
	calls func() int
}

// Item is a stored item.
type Item = attribute.Item

// New is the template's Users table, empty, on a real engine. Without one the test is
// skipped.
func New(t testing.TB) Users {
	t.Helper()
	kit := dynamotest.Open(t)
	return Users{kit.Users, kit, func() int { return len(kit.Faults.Calls()) }}
}

// Unreachable is a table that no call reaches: each fails like a refused connection.
func Unreachable() Users {
	calls := 0
	db := canned.Client(func(string, io.Reader) (string, error) {
		calls++
		return "", errors.New("connection refused")
	})
	return Users{store.Users{DB: db, Table: "Users"}, nil, func() (n int) { n, calls = calls, 0; return n }}
}

// Calls is the number of HTTP requests made through DB since the last call of Calls.
func (u Users) Calls() int { return u.calls() }

// Put stores items as they are.
func (u Users) Put(t testing.TB, items ...Item) {
	t.Helper()
	u.kit.Put(t, u.Table, items...)
}

// Items is the whole table by customerId.
func (u Users) Items(t testing.TB) map[string]Item {
	t.Helper()
	all := make(map[string]Item)
	pages := dynamodb.NewScanPaginator(u.kit.Plain, &dynamodb.ScanInput{
		TableName: &u.Table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			all[attribute.ReadText(item, "customerId")] = item
		}
	}
	return all
}
