"""Prints what SAM makes of the template given first, as JSON, with the parameters given as
JSON. It wants cfn-lint, which brings SAM's translator. No account is asked."""
import json, re, sys

import boto3
from cfnlint.decode import cfn_yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

text = re.sub(r"CodeUri: functions/(.*)/\n", r"CodeUri: s3://bucket/\1.zip\n", open(sys.argv[1]).read())
template = json.loads(json.dumps(cfn_yaml.loads(text), default=str))
parameters = {name: str(p.get("Default", "")) for name, p in template["Parameters"].items()}
parameters.update(json.loads(sys.argv[2]))
session = boto3.Session(region_name="us-east-1")
print(json.dumps(Translator({}, Parser(), boto_session=session).translate(template, parameters)))
