# SPDX-License-Identifier: Apache-2.0
"""gRPC as any client could write it: messages and methods from the descriptors of api/proto, no generated stubs.

Messages are made from plain dicts (text stands for bytes, names for enumerations) and shown as plain dicts: a field that was
not sent is not there, so that "absent" and "zero" are told apart where the wire tells them apart.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

SRCDIR = Path(os.environ.get("SRCDIR") or Path(__file__).resolve().parents[2])
FILES = ("rpc", "health", "v3lock", "v3election")
ANSWER_BYTES_MAX = 64 << 20
SECONDS_MAX = 20  # a call that takes longer is a failure of the suite


def has_compiler():
    return shutil.which("protoc-c") is not None


def _pool():
    with tempfile.NamedTemporaryFile() as file:
        protos = [f"api/proto/{name}.proto" for name in FILES]
        subprocess.run(["protoc-c", f"--descriptor_set_out={file.name}", "--include_imports", "-I.", *protos], cwd=SRCDIR,
                       check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
    pool = descriptor_pool.DescriptorPool()
    for one in files:
        pool.Add(one)
    return pool


class Wire:
    def __init__(self):
        self.pool = _pool()
        self._factory = message_factory.MessageFactory(self.pool)
        packages = {"KV": "etcdserverpb", "Watch": "etcdserverpb", "Lease": "etcdserverpb", "Cluster": "etcdserverpb",
                    "Maintenance": "etcdserverpb", "Auth": "etcdserverpb", "Lock": "v3lockpb", "Election": "v3electionpb",
                    "Health": "grpc.health.v1"}
        self.services = {name: self.pool.FindServiceByName(f"{package}.{name}") for name, package in packages.items()}

    def method(self, name):
        """By "KV.Range"."""
        service, method = name.split(".")
        return self.services[service].methods_by_name[method]

    def methods(self):
        return [f"{name}.{method.name}" for name, service in self.services.items() for method in service.methods]

    def type(self, descriptor):
        return self._factory.GetPrototype(descriptor)

    def make(self, descriptor, fields):
        message = self.type(descriptor)()
        for name, value in fields.items():
            field = descriptor.fields_by_name[name]
            if field.label == FieldDescriptor.LABEL_REPEATED:
                for one in value:
                    if field.message_type:
                        getattr(message, name).add().CopyFrom(self.make(field.message_type, one))
                    else:
                        getattr(message, name).append(self._scalar(field, one))
            elif field.message_type:
                getattr(message, name).CopyFrom(self.make(field.message_type, value))
            else:
                setattr(message, name, self._scalar(field, value))
        return message

    def _scalar(self, field, value):
        if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, str):
            return value.encode()
        if field.enum_type and isinstance(value, str):
            return field.enum_type.values_by_name[value].number
        return value


def show(message):
    """A message as a dict of what was sent; `?`: fields that the descriptors do not know."""
    shown = {field.name: _show_field(field, value) for field, value in message.ListFields()}
    unknown = [field.field_number for field in message.UnknownFields()]
    return {**shown, "?": unknown} if unknown else shown


def _show_field(field, value):
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return [_show_one(field, one) for one in value]
    return _show_one(field, value)


def _show_one(field, value):
    if field.message_type:
        return show(value)
    if field.enum_type:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value


class Channel:
    """A connection to a server."""

    def __init__(self, wire, target):
        self.wire = wire
        self._channel = grpc.insecure_channel(target, options=[
            ("grpc.max_receive_message_length", ANSWER_BYTES_MAX), ("grpc.max_send_message_length", ANSWER_BYTES_MAX),
            ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)])

    def close(self):
        self._channel.close()

    def unary(self, name, request, metadata=(), seconds=SECONDS_MAX):
        """The answer; grpc.RpcError."""
        method = self.wire.method(name)
        call = self._channel.unary_unary(_path(method), lambda message: message.SerializeToString(),
                                         self.wire.type(method.output_type).FromString)
        return call(request, timeout=seconds, metadata=metadata)

    def server_stream(self, name, request, metadata=(), seconds=SECONDS_MAX):
        method = self.wire.method(name)
        call = self._channel.unary_stream(_path(method), lambda message: message.SerializeToString(),
                                          self.wire.type(method.output_type).FromString)
        return call(request, timeout=seconds, metadata=metadata)

    def stream(self, name, requests, metadata=(), seconds=SECONDS_MAX):
        method = self.wire.method(name)
        call = self._channel.stream_stream(_path(method), lambda message: message.SerializeToString(),
                                           self.wire.type(method.output_type).FromString)
        return call(requests, timeout=seconds, metadata=metadata)

    def raw(self, path, body, metadata=(), seconds=SECONDS_MAX):
        """Any bytes to any path."""
        return self._channel.unary_unary(path, bytes, bytes)(body, timeout=seconds, metadata=metadata)


def _path(method):
    return f"/{method.containing_service.full_name}/{method.name}"


def error_text(error):
    return f"{error.code().name}: {error.details()}"
