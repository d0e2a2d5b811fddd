"""An engine that records its answers with the key, and fails where a test wants it to."""

from countersign.proofs import pure_engine


class Injected(Exception):
    pass


class Watched:
    """The pure engine, which records its answers. `fail_at`: the call that fails, counted from 1.
    `after`: it fails after its work, not before. `within`: called once, inside the next answer."""

    def __init__(self):
        self.answers = []
        self.calls = 0
        self.fail_at = None
        self.after = False
        self.error = Injected
        self.within = None
        self.secret = None
        for name in ("generate", "respond", "linear", "lift_x", "prepare"):
            setattr(self, name, self._wrapped(getattr(pure_engine, name), name == "respond"))
        self.multiply_add = self._wrapped(pure_engine.multiply_add, False)
        self.verify_equation = self._wrapped(pure_engine.verify_equation, False)

    def _wrapped(self, function, answers):
        def call(*arguments):
            self.calls += 1
            failing = self.calls == self.fail_at
            if failing and not self.after:
                raise self.error
            # k + e·d is the only use of the key in a signature. Negations of scalars do not count.
            if answers and arguments[2] == self.secret and arguments[0] != self.secret:
                within, self.within = self.within, None
                if within is not None:
                    within()
                self.answers.append((bytes(arguments[0]), bytes(arguments[1])))
            result = function(*arguments)
            if failing:
                raise self.error
            return result

        return call

    def one_answer_each(self):
        nonces = {}
        for k, e in self.answers:
            assert k != bytes(32)
            assert nonces.get(k, e) == e, "one nonce answered two challenges"
            nonces[k] = e
        return len(nonces)
