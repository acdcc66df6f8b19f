"""Long work that survives its page, its process and its machine: queue, leases, progress, cancel, pause, resume.

    with store.write() as session:
        job = queue.enqueue(session, "triage", requested_by="ada")     # queue: everything that changes a job
    worker.wake()                                                      # worker: the threads that do them

A face puts a job into the queue in the transaction of the click; a worker, in the app's own process or in
``hone worker``, takes it. What a kind of job does lies in ``kinds``; each is done in short transactions that carry
their own place to go on, so a killed one loses nothing that was stored and repeats nothing.
"""
