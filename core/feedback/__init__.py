"""What people said: the door every interaction, comment and imported file comes in by.

Texts are cleaned and freed of personal data here, once; all later steps may rely on it.
"""
