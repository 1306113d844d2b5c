package warm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/program"
	"customercare/infra/importer"
)

// Those who call are the demo's, as in infra/events; whom the calls are about is made up, one for each call of either side.
const (
	operator, password    = "csr", "csr-demo-password"
	apiUser, key, account = "john1970", "1959caadac9b13dcb3", "greatwidgets"
	app, tenant           = "demo-app-key", "demo"
	// sourceIP is where the events come from.
	sourceIP = "192.0.2.1"

	transactions = 3  // of each customer
	numbersEach  = 10 // in each call that cleans
)

// sidesOf name the sides in what calls are about.
var sidesOf = []string{"ours", "floor"}

func userOf(side, function string, n int) string {
	return fmt.Sprintf("bench-%s-%s-%06d", side, function, n)
}

func codeOf(side string, n int) string { return fmt.Sprintf("4711%s%08d", side, n) }

func numbersOf(side string, n int) (all []string) {
	for i := range numbersEach {
		all = append(all, fmt.Sprintf("135%s%06d%02d", side, n, i))
	}
	return all
}

// load puts the callers, and of everybody else as many as there are calls, into the stage's tables.
func load(ctx context.Context, stage *program.Stage, root string, calls int) error {
	principals, err := os.ReadFile(filepath.Join(root, "infra", "demo", "principals.ndjson"))
	if err != nil {
		return err
	}
	lines := bytes.NewBuffer(principals)
	for _, side := range sidesOf {
		for n := range calls {
			for _, function := range []string{deleteInfo, setAllow} {
				fmt.Fprintf(lines, `{"kind":"user","customerId":%q,"registration":{"level":2},"questions":{"q1":{"answer":"Rex"}},"images":{"i1":"tulip"},`+
					`"phrases":{"p1":"made up"},"devices":{"d1":{"name":"phone"}}}`+"\n", userOf(side, function, n))
			}
			fmt.Fprintf(lines, `{"kind":"customer","accountId":%q,"code":%q,"name":"Made Up"}`+"\n", account, codeOf(side, n))
			for i := range transactions {
				fmt.Fprintf(lines, `{"kind":"transaction","accountId":%q,"code":%q,"campaignId":"c","transactionId":"%d","at":"2026-01-02T03:04:05Z","amount":"12.50"}`+"\n",
					account, codeOf(side, n), i)
			}
		}
	}
	var refused error
	_, err = importer.Load(ctx, importer.Options{
		Client: stage.DynamoDB,
		Tables: importer.Tables{
			Users: stage.Table("Users"), Customers: stage.Table("Customers"), Contacts: stage.Table("Contacts"), Principals: stage.Table("Principals"),
		},
		Report: func(line int, sentence string) { refused = fmt.Errorf("record %d: %s", line, sentence) },
	}, lines)
	return errors.Join(refused, err)
}

// done looks whether both sides did the work of so many calls each.
func done(ctx context.Context, stage *program.Stage, calls int) error {
	each := len(sidesOf) * calls
	for _, look := range []struct {
		what, table, filter string
		values              map[string]types.AttributeValue
		want                int
	}{
		{"users with a device, none of those of operation 1", "Users", "attribute_exists(devices)", nil, each},
		{"users with an allow, those of operation 2", "Users", "attribute_exists(tempAllows.#name)", nil, each},
		{"transactions left", "Customers", "begins_with(#name, :of)", prefix("txn#"), 0},
		{"tombstones", "Customers", "attribute_exists(tombstone)", nil, each},
		{"jobs of customers", "Erasures", "begins_with(erasureId, :of)", prefix("customer-"), each},
		{"jobs of numbers", "Erasures", "begins_with(erasureId, :of)", prefix("numbers-"), each},
		{"tokens", "Principals", "begins_with(principal, :of)", prefix("token#"), each + 1}, // one is authorize-app's
	} {
		scan := &dynamodb.ScanInput{
			TableName: aws.String(stage.Table(look.table)), FilterExpression: &look.filter, ExpressionAttributeValues: look.values,
			ConsistentRead: aws.Bool(true), Select: types.SelectCount,
		}
		if name := map[string]string{"Users": "3", "Customers": "record"}[look.table]; strings.Contains(look.filter, "#name") {
			scan.ExpressionAttributeNames = map[string]string{"#name": name}
		}
		got := 0
		for pages := dynamodb.NewScanPaginator(stage.DynamoDB, scan); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			got += int(page.Count)
		}
		if got != look.want {
			return fmt.Errorf("after all calls there are %d %s, not %d", got, look.what, look.want)
		}
	}
	return nil
}

func prefix(of string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":of": &types.AttributeValueMemberS{Value: of}}
}
