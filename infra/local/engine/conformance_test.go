package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// probes ask an engine what it does where engines differ, or where this project leans on
// it. docs/engines.md has a row for each, by name, with the answer of each engine, beside
// what AWS documents.
var probes = []struct {
	name  string
	probe func(p *probe) string
}{
	{"A number above the range, `1e126`", func(p *probe) string { return p.putNumber("1e126") }},
	{"A number below the range, `1e-131`", func(p *probe) string { return p.putNumber("1e-131") }},
	{"The same in a list", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1e126")}}})
	}},
	{"The same in a number set", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberNS{Value: []string{"1e126"}}})
	}},
	{"The same in BatchWriteItem", func(p *probe) string { return p.batch(1, item{"x": number("1e126")}) }},
	{"The same in a transaction", func(p *probe) string { return p.transaction(1, 10, item{"x": number("1e126")}) }},
	{"The same in an update's value", func(p *probe) string {
		return p.update("SET x = :one", item{":one": number("1e126")})
	}},
	{"An exponent of three digits, `1e999`", func(p *probe) string { return p.putNumber("1e999") }},
	{"An exponent of 21 digits", func(p *probe) string { return p.putNumber("1e999999999999999999999") }},
	{"A number of 39 digits", func(p *probe) string { return p.putNumber(strings.Repeat("1", 39)) }},
	{"Zero with an exponent out of range, `0e999`", func(p *probe) string { return p.putNumber("0e999") }},
	{"The number `-0`, read back", func(p *probe) string { return p.readNumber("-0") }},
	{"The number `1.50`, read back", func(p *probe) string { return p.readNumber("1.50") }},
	{"The string set `{b, a, c}`, read back", (*probe).setOrder},
	{"An empty set", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberSS{Value: []string{}}})
	}},
	{"An empty string as a value", func(p *probe) string { return p.put(item{"x": text("")}) }},
	{"An empty string as a key", func(p *probe) string { return p.put(item{"id": text("")}) }},
	{"A partition key of 2048 bytes", func(p *probe) string { return p.put(item{"id": text(strings.Repeat("k", 2048))}) }},
	{"A partition key of 2049 bytes", func(p *probe) string { return p.put(item{"id": text(strings.Repeat("k", 2049))}) }},
	{"A sort key of 1025 bytes", func(p *probe) string { return p.put(item{"at": text(strings.Repeat("k", 1025))}) }},
	{"A value nested 32 levels deep", func(p *probe) string { return p.put(item{"x": nested(31)}) }},
	{"A value nested 33 levels deep", func(p *probe) string { return p.put(item{"x": nested(32)}) }},
	{"An item of 400 KB", func(p *probe) string { return p.put(sized(400 << 10)) }},
	{"An item of 400 KB and a byte", func(p *probe) string { return p.put(sized(400<<10 + 1)) }},
	{"Units of a put of 1 KB", func(p *probe) string { return p.putUnits(1 << 10) }},
	{"Units of a put of 1 KB and a byte", func(p *probe) string { return p.putUnits(1<<10 + 1) }},
	{"Units of a transaction's put of 1 KB", (*probe).transactionUnits},
	{"Units of BatchGetItem of two missing items, consistent", (*probe).batchGetUnits},
	{"Items of 100 KB in a page of 1 MB", (*probe).page},
	{"100 actions in a transaction", func(p *probe) string { return p.transaction(100, 10, nil) }},
	{"101 actions in a transaction", func(p *probe) string { return p.transaction(101, 10, nil) }},
	{"A transaction of 4 MB and more", func(p *probe) string { return p.transaction(11, 390<<10, nil) }},
	{"26 requests in BatchWriteItem", func(p *probe) string { return p.batch(26, nil) }},
	{"The same token, the same transaction", func(p *probe) string { return p.token(1, 1) }},
	{"The same token, another transaction", func(p *probe) string { return p.token(1, 2) }},
	{"Two actions on one item in a transaction", (*probe).twice},
	{"The old item with a failed condition", (*probe).oldItem},
	{"The old item with a cancelled transaction", (*probe).oldItemOfTransaction},
	{"Sixteen writers of one item in transactions", (*probe).contention},
	{"A reserved word in an expression, `status`", func(p *probe) string {
		return p.update("SET status = :one", item{":one": number("1")})
	}},
	{"Overlapping paths in an expression", func(p *probe) string {
		return p.update("SET a = :one, a.b = :one", item{":one": number("1")})
	}},
	{"A value in an expression that is not used", func(p *probe) string {
		return p.update("SET a = :one", item{":one": number("1"), ":two": number("2")})
	}},
	{"An expression of 4 KB and a byte", func(p *probe) string {
		return p.update("SET "+strings.Repeat("a", 4097-len("SET  = :one"))+" = :one", item{":one": number("1")})
	}},
	{"A consistent read of a global index", (*probe).consistentIndex},
	{"A global index right after a write", (*probe).index},
	{"An item past its time to live", (*probe).timeToLive},
	{"Deleting a protected table", (*probe).protection},
	{"Point-in-time recovery", (*probe).recovery},
	{"Tables of another region", func(p *probe) string { return p.seenBy("eu-west-1", "x") }},
	{"Tables of another access key", func(p *probe) string { return p.seenBy(Region, "y") }},
}

// TestConformance asks every engine that this machine can run, and compares its answers
// with the table in docs/engines.md.
func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		table := documented(t, kind)
		s, err := Start(t.Context(), Options{Kind: kind, CacheDir: cache})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range probes {
			p := &probe{T: t, endpoint: s.Endpoint, db: client(s.Endpoint, Region, "x"), table: "probes"}
			p.createTable()
			got := c.probe(p)
			p.dropTable()
			if want, there := table[c.name]; !there || got != want {
				t.Errorf("| %s | %s | documented as %q", c.name, got, want)
			}
			delete(table, c.name)
		}
		for name := range table {
			if !strings.HasPrefix(name, "After ") { // restart_test.go
				t.Errorf("docs/engines.md has a row that nothing asks: %s", name)
			}
		}
	})
}

// documented reads the table of docs/engines.md: the column of this engine, by row.
func documented(t *testing.T, kind Kind) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/engines.md")
	if err != nil {
		t.Fatal(err)
	}
	column, rows := 0, map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			column = 0
		case slices.Index(cells, kind.Name()) > 0:
			column = slices.Index(cells, kind.Name())
		case column > 0 && !strings.HasPrefix(cells[0], "-"):
			rows[cells[0]] = cells[column]
		}
	}
	return rows
}

type item = map[string]types.AttributeValue

// probe is one question to an engine, on a table of its own with the key id, at and the
// index open by openShard.
type probe struct {
	*testing.T
	endpoint string
	db       *dynamodb.Client
	table    string
}

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func client(endpoint, region, key string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: "x"}, nil
		}),
	})
}

func (p *probe) createTable() {
	p.Helper()
	s := types.ScalarAttributeTypeS
	_, err := p.db.CreateTable(p.Context(), &dynamodb.CreateTableInput{
		TableName: &p.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: s}, {AttributeName: aws.String("at"), AttributeType: s},
			{AttributeName: aws.String("openShard"), AttributeType: s},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("at"), KeyType: types.KeyTypeRange},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("open"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("openShard"), KeyType: types.KeyTypeHash}},
		}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *probe) dropTable() {
	if _, err := p.db.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.table}); err != nil {
		p.Fatal(err)
	}
}

// outcome is "taken" or the name of the error.
func outcome(err error) string {
	if refusal, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		var codes []string
		for _, reason := range refusal.CancellationReasons {
			if code := aws.ToString(reason.Code); code != "None" && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
		return "cancelled: " + strings.Join(codes, ", ")
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return "taken"
}

// at completes an item with the key "k", "s" where it has none.
func at(i item) item {
	whole := item{"id": text("k"), "at": text("s")}
	maps.Copy(whole, i)
	return whole
}

// sized is an item of so many bytes by AWS's rule: names and values in UTF-8.
func sized(bytes int) item {
	return item{"x": text(strings.Repeat("x", bytes-len("id"+"k"+"at"+"s"+"x")))}
}

func nested(levels int) types.AttributeValue {
	value := text("x")
	for range levels {
		value = &types.AttributeValueMemberL{Value: []types.AttributeValue{value}}
	}
	return value
}

func (p *probe) put(i item) string {
	_, err := p.db.PutItem(p.Context(), &dynamodb.PutItemInput{TableName: &p.table, Item: at(i)})
	return outcome(err)
}

func (p *probe) read() item {
	p.Helper()
	out, err := p.db.GetItem(p.Context(), &dynamodb.GetItemInput{
		TableName: &p.table, Key: at(nil), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		p.Fatal(err)
	}
	return out.Item
}

func (p *probe) putNumber(n string) string { return p.put(item{"x": number(n)}) }

func (p *probe) readNumber(n string) string {
	if said := p.putNumber(n); said != "taken" {
		return said
	}
	return "`" + p.read()["x"].(*types.AttributeValueMemberN).Value + "`"
}

func (p *probe) setOrder() string {
	p.put(item{"x": &types.AttributeValueMemberSS{Value: []string{"b", "a", "c"}}})
	return strings.Join(p.read()["x"].(*types.AttributeValueMemberSS).Value, ", ")
}

func units(c *types.ConsumedCapacity) string {
	return strconv.FormatFloat(aws.ToFloat64(c.CapacityUnits), 'g', -1, 64)
}

func (p *probe) putUnits(bytes int) string {
	out, err := p.db.PutItem(p.Context(), &dynamodb.PutItemInput{
		TableName: &p.table, Item: at(sized(bytes)), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return outcome(err)
	}
	return units(out.ConsumedCapacity)
}

func (p *probe) transactionUnits() string {
	out, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		TransactItems:          []types.TransactWriteItem{{Put: &types.Put{TableName: &p.table, Item: at(sized(1 << 10))}}},
	})
	if err != nil {
		return outcome(err)
	}
	return units(&out.ConsumedCapacity[0])
}

func (p *probe) batchGetUnits() string {
	out, err := p.db.BatchGetItem(p.Context(), &dynamodb.BatchGetItemInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		RequestItems: map[string]types.KeysAndAttributes{p.table: {ConsistentRead: aws.Bool(true), Keys: []item{
			at(item{"at": text("1")}), at(item{"at": text("2")}),
		}}},
	})
	if err != nil {
		return outcome(err)
	}
	if len(out.ConsumedCapacity) == 0 {
		return "none reported"
	}
	return units(&out.ConsumedCapacity[0])
}

func (p *probe) page() string {
	for n := range 20 {
		i := sized(100 << 10)
		i["at"] = text(fmt.Sprintf("%c", 'a'+n))
		p.put(i)
	}
	out, err := p.db.Query(p.Context(), &dynamodb.QueryInput{
		TableName: &p.table, KeyConditionExpression: aws.String("id = :k"), ExpressionAttributeValues: item{":k": text("k")},
	})
	if err != nil {
		return outcome(err)
	}
	return strconv.Itoa(len(out.Items))
}

func (p *probe) transaction(actions, bytes int, more item) string {
	var all []types.TransactWriteItem
	for n := range actions {
		put := at(item{"at": text(strconv.Itoa(n)), "x": text(strings.Repeat("x", bytes))})
		maps.Copy(put, more)
		all = append(all, types.TransactWriteItem{Put: &types.Put{TableName: &p.table, Item: put}})
	}
	_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: all})
	return outcome(err)
}

func (p *probe) batch(requests int, more item) string {
	var all []types.WriteRequest
	for n := range requests {
		put := at(item{"at": text(strconv.Itoa(n))})
		maps.Copy(put, more)
		all = append(all, types.WriteRequest{PutRequest: &types.PutRequest{Item: put}})
	}
	_, err := p.db.BatchWriteItem(p.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{p.table: all}})
	return outcome(err)
}

// token adds by and then again in two transactions with one token, and says what came of
// the second.
func (p *probe) token(by, again int) string {
	add := func(n int) error {
		_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("one-token"),
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: &p.table, Key: at(nil), UpdateExpression: aws.String("ADD n :n"),
				ExpressionAttributeValues: item{":n": number(strconv.Itoa(n))},
			}}},
		})
		return err
	}
	if err := add(by); err != nil {
		return outcome(err)
	}
	if err := add(again); err != nil {
		return outcome(err)
	}
	if p.read()["n"].(*types.AttributeValueMemberN).Value == strconv.Itoa(by) {
		return "done once"
	}
	return "done twice"
}

func (p *probe) twice() string {
	put := types.TransactWriteItem{Put: &types.Put{TableName: &p.table, Item: at(nil)}}
	_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put, put}})
	return outcome(err)
}

func (p *probe) oldItem() string {
	p.put(nil)
	_, err := p.db.PutItem(p.Context(), &dynamodb.PutItemInput{
		TableName: &p.table, Item: at(nil), ConditionExpression: aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if refusal, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && len(refusal.Item) == 2 {
		return "given"
	}
	return outcome(err)
}

func (p *probe) oldItemOfTransaction() string {
	p.put(nil)
	_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{
		Put: &types.Put{
			TableName: &p.table, Item: at(nil), ConditionExpression: aws.String("attribute_not_exists(id)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		},
	}}})
	if refusal, ok := errors.AsType[*types.TransactionCanceledException](err); ok && len(refusal.CancellationReasons[0].Item) == 2 {
		return "given"
	}
	return outcome(err)
}

// contention adds 1 in 16 x 20 transactions at once, and says whether every acknowledged
// one counts and how the others were refused.
func (p *probe) contention() string {
	var mu sync.Mutex
	done, others := 0, map[string]bool{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
					TransactItems: []types.TransactWriteItem{{Update: &types.Update{
						TableName: &p.table, Key: at(nil), UpdateExpression: aws.String("ADD n :n"),
						ExpressionAttributeValues: item{":n": number("1")},
					}}},
				})
				mu.Lock()
				if err == nil {
					done++
				} else {
					others[outcome(err)] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	got := p.read()["n"].(*types.AttributeValueMemberN).Value
	if got != strconv.Itoa(done) {
		return fmt.Sprintf("%d acknowledged, %s counted", done, got)
	}
	if len(others) == 0 {
		return "one after the other"
	}
	var names []string
	for name := range others {
		names = append(names, name)
	}
	slices.Sort(names)
	return "some " + strings.Join(names, "; ")
}

func (p *probe) update(expression string, values item) string {
	_, err := p.db.UpdateItem(p.Context(), &dynamodb.UpdateItemInput{
		TableName: &p.table, Key: at(nil), UpdateExpression: &expression, ExpressionAttributeValues: values,
	})
	return outcome(err)
}

func (p *probe) queryIndex(consistent bool) (*dynamodb.QueryOutput, error) {
	return p.db.Query(p.Context(), &dynamodb.QueryInput{
		TableName: &p.table, IndexName: aws.String("open"), ConsistentRead: &consistent,
		KeyConditionExpression: aws.String("openShard = :s"), ExpressionAttributeValues: item{":s": text("1")},
	})
}

func (p *probe) consistentIndex() string {
	_, err := p.queryIndex(true)
	return outcome(err)
}

func (p *probe) index() string {
	p.put(item{"openShard": text("1")})
	out, err := p.queryIndex(false)
	if err != nil {
		return outcome(err)
	}
	if len(out.Items) == 1 {
		return "there at once"
	}
	return "later"
}

func (p *probe) timeToLive() string {
	_, err := p.db.UpdateTimeToLive(p.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: &p.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}})
	if err != nil {
		return outcome(err)
	}
	p.put(item{"ttl": number("1000000000")})
	if len(p.read()) > 0 {
		return "still read"
	}
	return "gone at once"
}

func (p *probe) protection() string {
	protect := func(on bool) error {
		_, err := p.db.UpdateTable(p.Context(), &dynamodb.UpdateTableInput{TableName: &p.table, DeletionProtectionEnabled: &on})
		return err
	}
	if err := protect(true); err != nil {
		return outcome(err)
	}
	_, err := p.db.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.table})
	if err == nil {
		p.createTable()
		return "deleted"
	}
	if err := protect(false); err != nil {
		p.Fatal(err)
	}
	return outcome(err)
}

func (p *probe) recovery() string {
	_, err := p.db.DescribeContinuousBackups(p.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: &p.table})
	return outcome(err)
}

func (p *probe) seenBy(region, key string) string {
	_, err := client(p.endpoint, region, key).DescribeTable(p.Context(), &dynamodb.DescribeTableInput{TableName: &p.table})
	if err != nil {
		return "kept apart"
	}
	return "the same"
}
