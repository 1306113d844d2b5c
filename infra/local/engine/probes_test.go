package engine

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// These are the questions of conformance_test.go that need more than a line, but those
// about transactions.

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

func (p *probe) putUnits(bytes int) string {
	out, err := p.db.PutItem(p.Context(), &dynamodb.PutItemInput{
		TableName: &p.table, Item: at(sized(bytes)), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return outcome(err)
	}
	return units(out.ConsumedCapacity)
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
		TableName: &p.table, KeyConditionExpression: aws.String("id = :k"),
		ExpressionAttributeValues: item{":k": text("k")},
	})
	if err != nil {
		return outcome(err)
	}
	return strconv.Itoa(len(out.Items))
}

func (p *probe) batch(requests int, more item) string {
	var all []types.WriteRequest
	for n := range requests {
		put := at(item{"at": text(strconv.Itoa(n))})
		maps.Copy(put, more)
		all = append(all, types.WriteRequest{PutRequest: &types.PutRequest{Item: put}})
	}
	_, err := p.db.BatchWriteItem(p.Context(),
		&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{p.table: all}})
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
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"),
			Enabled: aws.Bool(true)}})
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
		_, err := p.db.UpdateTable(p.Context(),
			&dynamodb.UpdateTableInput{TableName: &p.table, DeletionProtectionEnabled: &on})
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
	_, err := client(p.endpoint, region, key).DescribeTable(p.Context(),
		&dynamodb.DescribeTableInput{TableName: &p.table})
	if err != nil {
		return "kept apart"
	}
	return "the same"
}
